-- Comes first in whatever has to be durable. It raises `synchronous_commit` for this transaction
-- where a role or database has it lower, and refuses a higher isolation, which a pooler may have
-- brought back: behind a lock such a transaction sees what was there before it waited.
CREATE FUNCTION {p}gatepass_confirm() RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE 'transactions of gatepass are READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END $$;
