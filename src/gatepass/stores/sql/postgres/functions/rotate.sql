-- `gatepass.sessions.rotate`, line by line; the statement of the fast path is its ROTATED alone.
CREATE FUNCTION {p}gatepass_rotate(
  p_session_id text, p_generation bigint, p_sec_hash bytea, p_claims bytea, p_leeway_ms bigint,
  p_refresh_ms bigint, p_access_ms bigint, p_now_ms bigint,
  OUT v_kind text, OUT v_row {p}gatepass_sessions
) LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now_ms bigint;
  v_known boolean;
BEGIN
  SELECT * INTO v_row FROM {p}gatepass_sessions s WHERE s.session_id = p_session_id FOR UPDATE;
  v_known := FOUND;
  v_now_ms := {p}gatepass_now(p_now_ms);
  v_kind := CASE
    WHEN NOT v_known OR v_row.sec_hash <> p_sec_hash THEN 'unknown'
    WHEN v_row.revoked_ms IS NOT NULL THEN 'revoked'
    WHEN p_generation > v_row.generation + 64 THEN 'unknown'
    WHEN v_now_ms >= v_row.ends_ms THEN 'expired'
    WHEN p_generation > v_row.generation THEN 'ahead'
    WHEN v_now_ms >= v_row.idle_ends_ms THEN 'expired'
    WHEN p_generation = v_row.generation THEN 'rotated'
    WHEN p_leeway_ms > 0 AND EXISTS (
      SELECT 1 FROM json_array_elements(convert_from(v_row.recent, 'UTF8')::json) e
        WHERE (e ->> 0)::bigint = p_generation
          AND abs(v_now_ms - (e ->> 1)::bigint) <= p_leeway_ms) THEN 'replayed'
    ELSE 'reused'
  END;
  IF v_kind = 'unknown' THEN
    v_row := NULL;
    RETURN;
  END IF;
  PERFORM {p}gatepass_raise_access_life(p_access_ms);
  IF v_kind IN ('rotated', 'ahead') THEN
    UPDATE {p}gatepass_sessions s SET
      generation = p_generation + 1,
      born_ms = v_now_ms,
      last_used_ms = v_now_ms,
      idle_ends_ms = least(v_now_ms + p_refresh_ms, s.ends_ms),
      claims_json = coalesce(p_claims, s.claims_json),
      recent = {p}gatepass_superseded(s.recent, p_generation, v_now_ms, p_leeway_ms)
    WHERE s.session_id = p_session_id RETURNING s.* INTO v_row;
  ELSIF v_kind = 'reused' THEN
    PERFORM {p}gatepass_confirm();
    PERFORM {p}gatepass_end(ARRAY[p_session_id], 'reuse', v_now_ms);
    SELECT * INTO v_row FROM {p}gatepass_sessions s WHERE s.session_id = p_session_id;
  END IF;
END $$;
