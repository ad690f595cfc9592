-- Answers when the session began, NULL when the epoch has changed. `p_again` asks for a session
-- that may have been inserted before: locking it writes to the log, so that this commit
-- confirms the earlier one. What has ended it meanwhile ends the log-in too. A key, which its
-- `sec_hash` tells from a session, is counted among keys alone.
CREATE OR REPLACE FUNCTION {p}gatepass_issue(
  p_session_id text, p_subject text, p_client_id text, p_device text, p_auth_time bigint,
  p_claims bytea, p_sec_hash bytea, p_refresh_ms bigint, p_life_ms bigint, p_access_ms bigint,
  p_epoch bigint, p_max bigint, p_again boolean, p_now_ms bigint, p_actor text
) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c_key CONSTANT bytea := decode(repeat('00', 32), 'hex');
  v_now_ms bigint;
  v_surplus text[];
BEGIN
  PERFORM {p}gatepass_confirm();
  PERFORM pg_advisory_xact_lock_shared(7449363239834329447);
  PERFORM pg_advisory_xact_lock(hashtextextended(p_subject, 7449363239834329447));
  v_now_ms := {p}gatepass_now(p_now_ms);
  IF p_again THEN
    PERFORM 1 FROM {p}gatepass_sessions WHERE session_id = p_session_id
      AND subject = p_subject AND sec_hash = p_sec_hash FOR UPDATE;
    IF FOUND THEN
      RETURN (SELECT s.created_ms FROM {p}gatepass_sessions s
        WHERE s.session_id = p_session_id AND s.revoked_ms IS NULL);
    END IF;
  END IF;
  IF p_epoch IS NOT NULL AND p_epoch <> {p}gatepass_epoch(p_subject) THEN
    RETURN NULL;
  END IF;
  PERFORM {p}gatepass_raise_access_life(p_access_ms);
  v_surplus := ARRAY(
    SELECT s.session_id FROM {p}gatepass_sessions s
      WHERE s.subject = p_subject AND s.revoked_ms IS NULL
        AND s.idle_ends_ms > v_now_ms AND s.ends_ms > v_now_ms
        AND (s.sec_hash = c_key) = (p_sec_hash = c_key)
      ORDER BY s.created_ms DESC, s.session_id COLLATE "C" DESC
      OFFSET greatest(p_max - 1, 0));
  IF cardinality(v_surplus) > 0 THEN
    v_surplus := ARRAY(
      SELECT s.session_id FROM {p}gatepass_sessions s
        WHERE s.session_id = ANY (v_surplus) AND s.revoked_ms IS NULL
        ORDER BY s.session_id FOR UPDATE);
    PERFORM {p}gatepass_end(v_surplus, 'max_sessions', v_now_ms);
  END IF;
  INSERT INTO {p}gatepass_sessions (
    session_id, subject, client_id, device, auth_time, generation, born_ms, created_ms,
    last_used_ms, idle_ends_ms, ends_ms, claims_json, sec_hash, recent, actor
  ) VALUES (
    p_session_id, p_subject, p_client_id, p_device, p_auth_time, 0, v_now_ms, v_now_ms,
    v_now_ms, v_now_ms + least(p_refresh_ms, p_life_ms), v_now_ms + p_life_ms,
    p_claims, p_sec_hash, '[]', p_actor);
  RETURN v_now_ms;
END $$;
