CREATE FUNCTION {p}gatepass_now(p_now_ms bigint) RETURNS bigint LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(p_now_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;
