-- One step through all sessions by id, from '' on; `v_last` is where the next one begins, NULL
-- at the end. The first raises everybody's epoch and notes when, while no log-in is under way:
-- those that began before lose, and what they inserted before is met on the way.
CREATE OR REPLACE FUNCTION {p}gatepass_revoke_all(
  p_after text, p_size bigint, p_reason text, p_now_ms bigint,
  OUT v_ended bigint, OUT v_last text
) LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now_ms bigint;
  v_ids text[];
BEGIN
  PERFORM {p}gatepass_confirm();
  IF p_after = '' THEN
    PERFORM pg_advisory_xact_lock(7449363239834329447);
    UPDATE {p}gatepass_meta m SET epoch_of_all = m.epoch_of_all + 1,
      raised_ms = greatest(m.raised_ms, {p}gatepass_now(p_now_ms)),
      raised_epoch = m.epoch_of_all + 1;
    IF NOT FOUND THEN
      RAISE 'gatepass_meta has no row' USING ERRCODE = 'data_corrupted';
    END IF;
  END IF;
  v_ids := ARRAY(
    SELECT s.session_id FROM {p}gatepass_sessions s
      WHERE s.session_id > p_after AND s.revoked_ms IS NULL
      ORDER BY s.session_id LIMIT p_size FOR UPDATE);
  v_now_ms := {p}gatepass_now(p_now_ms);
  SELECT count(*) INTO v_ended FROM {p}gatepass_sessions s
    WHERE s.session_id = ANY (v_ids) AND s.idle_ends_ms > v_now_ms AND s.ends_ms > v_now_ms;
  PERFORM {p}gatepass_end(v_ids, p_reason, v_now_ms);
  v_last := v_ids[p_size];
END $$;
