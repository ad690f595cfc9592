-- Some of the tallies that are over; one that somebody holds waits for the next purge.
CREATE FUNCTION {p}gatepass_purge_limits(p_size bigint, p_now_ms bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now_ms bigint := {p}gatepass_now(p_now_ms);
  v_removed bigint;
BEGIN
  DELETE FROM {p}gatepass_limits WHERE key = ANY (ARRAY(
    SELECT l.key FROM {p}gatepass_limits l WHERE l.ends_ms <= v_now_ms
      LIMIT p_size FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_removed = ROW_COUNT;
  RETURN v_removed;
END $$;
