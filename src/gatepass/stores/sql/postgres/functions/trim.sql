-- A few entries past their retention, a day at least, go with every revocation, so that nothing
-- needs a cron.
CREATE FUNCTION {p}gatepass_trim(p_now_ms bigint) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM {p}gatepass_revocations WHERE seq = ANY (ARRAY(
    SELECT r.seq FROM {p}gatepass_revocations r
      WHERE r.at_ms <= p_now_ms - (
        SELECT greatest(86400000, 120000 + m.longest_access_ms)
          FROM {p}gatepass_meta m WHERE m.longest_access_ms > 0)
      ORDER BY r.at_ms LIMIT 8 FOR UPDATE SKIP LOCKED));
END $$;
