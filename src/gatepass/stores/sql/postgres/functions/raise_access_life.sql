-- How long the log is kept grows before anything that needs it is handed out.
CREATE FUNCTION {p}gatepass_raise_access_life(p_access_ms bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM {p}gatepass_meta WHERE longest_access_ms < p_access_ms) THEN
    PERFORM {p}gatepass_confirm();
    UPDATE {p}gatepass_meta SET longest_access_ms = p_access_ms
      WHERE longest_access_ms < p_access_ms;
  END IF;
END $$;
