-- Answers how many tallies there were to give back to. Alone in its transaction it need not be
-- durable; a login that gives back is.
CREATE FUNCTION {p}gatepass_give_back(
  p_buckets json, p_now_ms bigint, p_is_alone boolean
) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_changed bigint;
BEGIN
  IF p_is_alone THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  PERFORM {p}gatepass_lock_limits(p_buckets);
  UPDATE {p}gatepass_limits l SET
    start_ms = s.v_start_ms,
    previous = greatest(s.v_previous - greatest(s.v_cost - s.v_current, 0), 0),
    current = greatest(s.v_current - s.v_cost, 0),
    ends_ms = s.v_start_ms + 2 * s.v_window_ms
  FROM {p}gatepass_slid_limits(p_buckets, {p}gatepass_now(p_now_ms)) s
  WHERE l.key = s.v_key;
  GET DIAGNOSTICS v_changed = ROW_COUNT;
  RETURN v_changed;
END $$;
