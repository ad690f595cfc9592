-- Raises `synchronous_commit` for this transaction where a role or database has it lower.
CREATE FUNCTION {p}gatepass_confirm() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END $$;
