-- Attempts that share buckets wait for one another here, in one order, so that no two wait in a
-- circle. A lock of the row would not do: a bucket that nobody has used yet has none.
CREATE FUNCTION {p}gatepass_lock_limits(p_buckets json) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_lock bigint;
BEGIN
  FOR v_lock IN
    SELECT hashtextextended(b ->> 0, 7449363239834329449) FROM json_array_elements(p_buckets) b
      ORDER BY 1
  LOOP
    PERFORM pg_advisory_xact_lock(v_lock);
  END LOOP;
END $$;
