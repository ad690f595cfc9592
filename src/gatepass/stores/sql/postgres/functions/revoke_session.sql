-- Each argument has the very type that our function takes, or one planted beside it would fit better.
CREATE FUNCTION {p}gatepass_revoke_session(
  p_session_id text, p_reason text, p_sec_hash bytea, p_now_ms bigint
) RETURNS text LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_row {p}gatepass_sessions;
  v_known boolean;
BEGIN
  PERFORM {p}gatepass_confirm();
  SELECT * INTO v_row FROM {p}gatepass_sessions s WHERE s.session_id = p_session_id FOR UPDATE;
  v_known := FOUND;
  IF p_sec_hash IS NOT NULL AND (NOT v_known OR v_row.sec_hash <> p_sec_hash) THEN
    RETURN 'unknown';
  ELSIF NOT v_known THEN
    PERFORM {p}gatepass_log('s', p_session_id, 0::bigint, {p}gatepass_now(p_now_ms));
    RETURN 'unknown';
  ELSIF v_row.revoked_ms IS NOT NULL THEN
    RETURN 'already';
  END IF;
  PERFORM {p}gatepass_end(ARRAY[p_session_id], p_reason, {p}gatepass_now(p_now_ms));
  RETURN 'revoked';
END $$;
