-- No row: the session is over or unknown. It need not be locked: whoever finds the token later
-- finds what became of the session too.
CREATE FUNCTION {p}gatepass_issue_opaque(
  p_opaque_id text, p_token_id text, p_session_id text, p_lifetime_ms bigint, p_now_ms bigint,
  OUT v_issued_ms bigint, OUT v_ends_ms bigint, OUT v_row {p}gatepass_sessions
) LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT * INTO v_row FROM {p}gatepass_sessions s WHERE s.session_id = p_session_id;
  v_issued_ms := {p}gatepass_now(p_now_ms);
  IF v_row.session_id IS NULL OR v_row.revoked_ms IS NOT NULL OR v_issued_ms >= v_row.ends_ms THEN
    v_row := NULL;
    RETURN;
  END IF;
  v_ends_ms := least(v_issued_ms + p_lifetime_ms, v_row.ends_ms);
  PERFORM {p}gatepass_raise_access_life(p_lifetime_ms);
  INSERT INTO {p}gatepass_opaque_tokens (opaque_id, token_id, session_id, issued_ms, ends_ms)
    VALUES (p_opaque_id, p_token_id, p_session_id, v_issued_ms, v_ends_ms);
END $$;
