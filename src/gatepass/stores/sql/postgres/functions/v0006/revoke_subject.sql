-- Processes of the release before call this one, with four arguments, and note no raise themselves.
CREATE OR REPLACE FUNCTION {p}gatepass_revoke_subject(
  p_subject text, p_keep text, p_reason text, p_now_ms bigint
) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_ended bigint := {p}gatepass_revoke_subject(p_subject, p_keep, p_reason, p_now_ms, false);
BEGIN
  PERFORM {p}gatepass_note_raise(p_subject, p_now_ms);
  RETURN v_ended;
END $$;
