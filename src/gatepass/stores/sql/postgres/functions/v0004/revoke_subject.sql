-- Expired sessions end too: a token that is ahead of the store could bring them back. The session
-- `p_keep` stays, and with `p_keep_keys` the keys, which their `sec_hash` tells from sessions. The
-- function of four arguments stays, which running processes of the release before call.
CREATE FUNCTION {p}gatepass_revoke_subject(
  p_subject text, p_keep text, p_reason text, p_now_ms bigint, p_keep_keys boolean
) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now_ms bigint;
  v_ids text[];
  v_ended bigint;
BEGIN
  PERFORM {p}gatepass_confirm();
  PERFORM pg_advisory_xact_lock(hashtextextended(p_subject, 7449363239834329447));
  INSERT INTO {p}gatepass_subjects AS old (subject, epoch) VALUES (p_subject, 1)
    ON CONFLICT (subject) DO UPDATE SET epoch = old.epoch + 1;
  v_ids := ARRAY(
    SELECT s.session_id FROM {p}gatepass_sessions s
      WHERE s.subject = p_subject AND s.revoked_ms IS NULL
        AND s.session_id IS DISTINCT FROM p_keep
        AND NOT (p_keep_keys AND s.sec_hash = decode(repeat('00', 32), 'hex'))
      ORDER BY s.session_id FOR UPDATE);
  v_now_ms := {p}gatepass_now(p_now_ms);
  SELECT count(*) INTO v_ended FROM {p}gatepass_sessions s
    WHERE s.session_id = ANY (v_ids) AND s.idle_ends_ms > v_now_ms AND s.ends_ms > v_now_ms;
  PERFORM {p}gatepass_end(v_ids, p_reason, v_now_ms);
  RETURN v_ended;
END $$;
