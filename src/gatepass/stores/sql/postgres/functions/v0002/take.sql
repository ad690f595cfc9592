-- Answers 0 when the attempt was counted in all buckets, else how long it waits. The counts of the
-- last moments before a crash may be lost, and no attempt waits for the disk or for a standby. One
-- that waits writes nothing, so nothing else keeps a standby from answering.
CREATE FUNCTION {p}gatepass_take(p_buckets json, p_now_ms bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now_ms bigint;
  v_longest_ms bigint;
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE 'this is a standby' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM {p}gatepass_lock_limits(p_buckets);
  v_now_ms := {p}gatepass_now(p_now_ms);
  SELECT max(s.v_wait_ms) INTO v_longest_ms
    FROM {p}gatepass_slid_limits(p_buckets, v_now_ms) s;
  IF v_longest_ms > 0 THEN
    RETURN v_longest_ms;
  END IF;
  INSERT INTO {p}gatepass_limits (key, start_ms, previous, current, ends_ms)
    SELECT s.v_key, s.v_start_ms, s.v_previous, s.v_current + s.v_cost,
        s.v_start_ms + 2 * s.v_window_ms
      FROM {p}gatepass_slid_limits(p_buckets, v_now_ms) s
    ON CONFLICT (key) DO UPDATE SET start_ms = excluded.start_ms, previous = excluded.previous,
      current = excluded.current, ends_ms = excluded.ends_ms;
  RETURN 0;
END $$;
