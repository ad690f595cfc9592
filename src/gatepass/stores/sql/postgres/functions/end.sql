-- The caller holds the locks of these rows, none of which is revoked. An older entry of the
-- same id counts from now on, and has a new `xid`, by which readers of the log find it.
CREATE FUNCTION {p}gatepass_end(p_ids text[], p_reason text, p_now_ms bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE {p}gatepass_sessions SET revoked_ms = p_now_ms, reason = p_reason, recent = '[]'
    WHERE session_id = ANY (p_ids);
  INSERT INTO {p}gatepass_revocations AS old (kind, id, at_ms)
    SELECT 's', ended, p_now_ms FROM unnest(p_ids) ended ORDER BY ended
    ON CONFLICT (kind, id) DO UPDATE SET at_ms = excluded.at_ms, xid = excluded.xid
      WHERE old.at_ms < excluded.at_ms;
  PERFORM {p}gatepass_trim(p_now_ms);
END $$;
