-- The generations superseded inside the leeway, at most eight, this one the last.
CREATE FUNCTION {p}gatepass_superseded(
  p_recent bytea, p_generation bigint, p_now_ms bigint, p_leeway_ms bigint
) RETURNS bytea LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_leeway_ms <= 0 THEN
    RETURN '[]'::bytea;
  ELSIF p_recent = '[]' THEN
    RETURN convert_to('[[' || p_generation || ',' || p_now_ms || ']]', 'UTF8');
  END IF;
  RETURN (
    SELECT convert_to('[' || coalesce(string_agg(kept.e, ',' ORDER BY kept.place) || ',', '')
        || '[' || p_generation || ',' || p_now_ms || ']]', 'UTF8')
    FROM (
      SELECT '[' || (entry ->> 0) || ',' || (entry ->> 1) || ']' AS e, place
        FROM json_array_elements(convert_from(p_recent, 'UTF8')::json)
          WITH ORDINALITY AS listed (entry, place)
        WHERE abs(p_now_ms - (entry ->> 1)::bigint) <= p_leeway_ms
        ORDER BY place DESC LIMIT 7) kept);
END $$;
