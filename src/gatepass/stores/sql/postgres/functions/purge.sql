-- Some of what is past its retention; a row that somebody holds waits for the next purge. The
-- log is left alone for a day at least: the clock may be ahead for a moment.
CREATE FUNCTION {p}gatepass_purge(p_size bigint, p_now_ms bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_before_ms bigint;
  v_some bigint;
  v_removed bigint;
BEGIN
  SELECT {p}gatepass_now(p_now_ms) - 120000 - m.longest_access_ms
    INTO v_before_ms FROM {p}gatepass_meta m;
  IF v_before_ms IS NULL THEN
    RAISE 'gatepass_meta has no row' USING ERRCODE = 'data_corrupted';
  END IF;
  DELETE FROM {p}gatepass_sessions WHERE session_id = ANY (ARRAY(
    SELECT s.session_id FROM {p}gatepass_sessions s WHERE s.ends_ms <= v_before_ms
      LIMIT p_size FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_removed = ROW_COUNT;
  DELETE FROM {p}gatepass_opaque_tokens WHERE opaque_id = ANY (ARRAY(
    SELECT o.opaque_id FROM {p}gatepass_opaque_tokens o WHERE o.ends_ms <= v_before_ms
      LIMIT p_size FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_some = ROW_COUNT;
  v_removed := v_removed + v_some;
  DELETE FROM {p}gatepass_revocations WHERE seq = ANY (ARRAY(
    SELECT r.seq FROM {p}gatepass_revocations r WHERE r.at_ms <= least(v_before_ms, {p}gatepass_now(p_now_ms) - 86400000)
      LIMIT p_size FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_some = ROW_COUNT;
  RETURN v_removed + v_some;
END $$;
