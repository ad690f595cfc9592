-- Notes when a subject's epoch was raised. It runs behind the function that raised it, in the same
-- transaction and under its lock.
CREATE FUNCTION {p}gatepass_note_raise(p_subject text, p_now_ms bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now_ms bigint := {p}gatepass_now(p_now_ms);
BEGIN
  UPDATE {p}gatepass_subjects s
    SET raised_ms = greatest(s.raised_ms, v_now_ms), raised_epoch = s.epoch
    WHERE s.subject = p_subject;
  RETURN v_now_ms;
END $$;
