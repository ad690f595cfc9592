CREATE FUNCTION {p}gatepass_epoch(p_subject text) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_epoch bigint;
BEGIN
  SELECT m.epoch_of_all + coalesce(
      (SELECT s.epoch FROM {p}gatepass_subjects s WHERE s.subject = p_subject), 0)
    INTO v_epoch FROM {p}gatepass_meta m;
  IF v_epoch IS NULL THEN
    RAISE 'gatepass_meta has no row' USING ERRCODE = 'data_corrupted';
  END IF;
  RETURN v_epoch;
END $$;
