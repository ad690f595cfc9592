-- The tallies of buckets at this moment, and how long an attempt waits, 0 or less: not at all;
-- `gatepass.sessions.limits`, line by line. A bucket is its key, limit, window and cost.
CREATE FUNCTION {p}gatepass_slid_limits(p_buckets json, p_now_ms bigint)
RETURNS TABLE (
  v_key bytea, v_window_ms bigint, v_cost bigint, v_start_ms bigint, v_previous bigint,
  v_current bigint, v_wait_ms bigint
) LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.key, s.window_ms, s.cost, s.start_ms, s.previous, s.current, s.start_ms - p_now_ms + CASE
      WHEN s.current > s.most THEN s.window_ms
        + greatest(s.window_ms - 1 - ((s.most + 1) * s.window_ms - 1) / s.current, 0)
      WHEN s.previous = 0 THEN 0
      ELSE s.window_ms - 1 - ((s.most - s.current + 1) * s.window_ms - 1) / s.previous
    END
  FROM (
    SELECT b.key, b.window_ms, b.cost, b.most,
      CASE a.age WHEN 0 THEN l.start_ms WHEN 1 THEN l.start_ms + b.window_ms ELSE p_now_ms END,
      CASE a.age WHEN 0 THEN l.previous WHEN 1 THEN l.current ELSE 0 END,
      CASE a.age WHEN 0 THEN l.current ELSE 0 END
    FROM (
      SELECT decode(e ->> 0, 'hex'), (e ->> 2)::bigint, (e ->> 3)::bigint,
        (e ->> 1)::bigint - (e ->> 3)::bigint
      FROM json_array_elements(p_buckets) e
    ) b (key, window_ms, cost, most)
    LEFT JOIN {p}gatepass_limits l ON l.key = b.key
    CROSS JOIN LATERAL (
      SELECT CASE WHEN l.start_ms <= p_now_ms THEN (p_now_ms - l.start_ms) / b.window_ms END
    ) a (age)
  ) s (key, window_ms, cost, most, start_ms, previous, current)
$$;
