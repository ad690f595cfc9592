-- Any role of any database may fill the queue of notifications, and the commit that says one more
-- fails. A revocation must not: those who follow the log look a few times in each second anyway.
CREATE FUNCTION {p}gatepass_tell_followers() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_notification_queue_usage() < 0.5 THEN
    NOTIFY gatepass_revocations;
  END IF;
  RETURN NULL;
END $$;
