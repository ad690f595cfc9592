-- An entry that is there stays as it is, unless a purge may take it within a minute, or before
-- the token ends.
-- `DO UPDATE` waits for a purge that is taking it right now; `DO NOTHING` would not.
CREATE FUNCTION {p}gatepass_log(p_kind text, p_id text, p_lifetime_ms bigint, p_now_ms bigint)
RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_longest_ms bigint;
BEGIN
  SELECT m.longest_access_ms INTO v_longest_ms FROM {p}gatepass_meta m;
  INSERT INTO {p}gatepass_revocations AS old (kind, id, at_ms)
    VALUES (p_kind, p_id, p_now_ms)
    ON CONFLICT (kind, id) DO UPDATE SET at_ms = excluded.at_ms, xid = excluded.xid
      WHERE old.at_ms + v_longest_ms < excluded.at_ms + CASE
        WHEN p_lifetime_ms > 0 THEN p_lifetime_ms ELSE -60000 END;
  PERFORM {p}gatepass_trim(p_now_ms);
END $$;
