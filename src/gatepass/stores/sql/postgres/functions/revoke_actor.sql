-- One step through the sessions that an actor opened; `v_more` says whether there may be others.
-- The actor's epoch was raised before, and committed: a log-in that this does not see finds that
-- out by itself. Locking the epoch writes to the log, so that this commit confirms an earlier one
-- whose answer was lost.
CREATE FUNCTION {p}gatepass_revoke_actor(
  p_actor text, p_size bigint, p_reason text, p_now_ms bigint,
  OUT v_ended bigint, OUT v_more boolean
) LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now_ms bigint;
  v_ids text[];
BEGIN
  PERFORM {p}gatepass_confirm();
  PERFORM 1 FROM {p}gatepass_subjects s WHERE s.subject = p_actor FOR UPDATE;
  v_ids := ARRAY(
    SELECT s.session_id FROM {p}gatepass_sessions s
      WHERE s.actor = p_actor AND s.revoked_ms IS NULL
      ORDER BY s.session_id LIMIT p_size FOR UPDATE);
  v_more := cardinality(v_ids) = p_size;
  v_now_ms := {p}gatepass_now(p_now_ms);
  SELECT count(*) INTO v_ended FROM {p}gatepass_sessions s
    WHERE s.session_id = ANY (v_ids) AND s.idle_ends_ms > v_now_ms AND s.ends_ms > v_now_ms;
  IF cardinality(v_ids) > 0 THEN
    PERFORM {p}gatepass_end(v_ids, p_reason, v_now_ms);
  END IF;
END $$;
