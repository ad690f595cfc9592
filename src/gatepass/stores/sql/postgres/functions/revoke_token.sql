CREATE FUNCTION {p}gatepass_revoke_token(
  p_token_id text, p_lifetime_ms bigint, p_now_ms bigint
) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM {p}gatepass_confirm();
  PERFORM {p}gatepass_raise_access_life(p_lifetime_ms);
  PERFORM {p}gatepass_log('t', p_token_id, p_lifetime_ms, {p}gatepass_now(p_now_ms));
  RETURN true;
END $$;
