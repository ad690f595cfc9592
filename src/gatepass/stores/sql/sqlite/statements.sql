-- The statements of a store on SQLite. Times are milliseconds on the store's clock.
-- {braces} hold the text of an earlier name.

-- name: live
revoked_ms IS NULL AND idle_ends_ms > :now_ms AND ends_ms > :now_ms

-- name: is_key
sec_hash = zeroblob(32)

-- name: opened
-- Of the subject but the one to keep, or opened by it as an actor. With OR, SQLite would go through all sessions.
session_id IN (
  SELECT session_id FROM gatepass_sessions
  WHERE subject = :subject AND revoked_ms IS NULL AND session_id IS NOT :keep
    AND NOT (:keep_keys AND {is_key})
  UNION ALL
  SELECT session_id FROM gatepass_sessions WHERE actor = :subject AND revoked_ms IS NULL
)

-- name: is_revoked
SELECT
  :session_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM gatepass_sessions WHERE session_id = :session_id AND revoked_ms IS NULL
  )
  OR EXISTS (
    SELECT 1 FROM gatepass_revocations
    WHERE kind = 's' AND id = :session_id OR kind = 't' AND id = :token_id
  )

-- name: log_end
SELECT coalesce(max(seq), 0) FROM gatepass_revocations

-- name: read_log
SELECT kind, id, seq FROM gatepass_revocations WHERE seq > :after ORDER BY seq

-- name: find_session
SELECT {columns} FROM gatepass_sessions s WHERE session_id = :session_id

-- name: find_epoch
SELECT m.epoch_of_all + coalesce(s.epoch, 0), max(
  CASE WHEN m.epoch_of_all > m.raised_epoch THEN :now_ms ELSE m.raised_ms END,
  CASE WHEN s.epoch > s.raised_epoch THEN :now_ms ELSE coalesce(s.raised_ms, 0) END)
FROM gatepass_meta m LEFT JOIN gatepass_subjects s ON s.subject = :subject

-- name: live_sessions
SELECT {columns} FROM gatepass_sessions s
WHERE subject = :subject AND {live} AND ({is_key}) = :wants_keys
ORDER BY created_ms DESC, session_id DESC

-- name: live_ids
SELECT session_id FROM gatepass_sessions
WHERE subject = :subject AND {live} AND ({is_key}) = :wants_keys
ORDER BY created_ms DESC, session_id DESC

-- name: count_live_of
SELECT count(*) FROM gatepass_sessions WHERE {opened} AND {live}

-- name: count_live
SELECT count(*) FROM gatepass_sessions WHERE {live}

-- name: find_opaque
SELECT t.token_id, t.issued_ms, t.ends_ms,
  EXISTS (SELECT 1 FROM gatepass_revocations WHERE kind = 't' AND id = t.token_id)
  OR EXISTS (SELECT 1 FROM gatepass_revocations WHERE kind = 's' AND id = t.session_id),
  {columns}
FROM gatepass_opaque_tokens t LEFT JOIN gatepass_sessions s ON s.session_id = t.session_id
WHERE t.opaque_id = :opaque_id

-- name: find_access_life
SELECT longest_access_ms FROM gatepass_meta

-- name: insert_session
INSERT INTO gatepass_sessions (
  session_id, subject, client_id, device, auth_time, generation, born_ms, created_ms,
  last_used_ms, idle_ends_ms, ends_ms, revoked_ms, reason, claims_json, sec_hash, recent, actor
) VALUES (
  :session_id, :subject, :client_id, :device, :auth_time, :generation, :born_ms, :created_ms,
  :last_used_ms, :idle_ends_ms, :ends_ms, :revoked_ms, :reason, :claims_json, :sec_hash, :recent,
  :actor
) ON CONFLICT DO NOTHING

-- name: insert_opaque
INSERT INTO gatepass_opaque_tokens (opaque_id, token_id, session_id, issued_ms, ends_ms)
VALUES (:opaque_id, :token_id, :session_id, :issued_ms, :ends_ms) ON CONFLICT DO NOTHING

-- name: update_rotation
UPDATE gatepass_sessions SET
  generation = :generation, born_ms = :born_ms, last_used_ms = :last_used_ms,
  idle_ends_ms = :idle_ends_ms, claims_json = :claims_json, recent = :recent
WHERE session_id = :session_id

-- name: note_use
UPDATE gatepass_sessions SET born_ms = :now_ms, last_used_ms = :now_ms
WHERE session_id = :session_id AND revoked_ms IS NULL AND {is_key}

-- name: revoke_session
UPDATE gatepass_sessions SET revoked_ms = :now_ms, reason = :why, recent = '[]'
WHERE session_id = :session_id

-- name: revoke_sessions_of
UPDATE gatepass_sessions SET revoked_ms = :now_ms, reason = :why, recent = '[]' WHERE {opened}

-- name: revoke_sessions
UPDATE gatepass_sessions SET revoked_ms = :now_ms, reason = :why, recent = '[]'
WHERE revoked_ms IS NULL

-- name: log_session
INSERT INTO gatepass_revocations (kind, id, at_ms) VALUES ('s', :session_id, :now_ms)
ON CONFLICT DO NOTHING

-- name: log_token
INSERT INTO gatepass_revocations (kind, id, at_ms) VALUES ('t', :token_id, :now_ms)
ON CONFLICT DO NOTHING

-- name: log_sessions_of
INSERT INTO gatepass_revocations (kind, id, at_ms)
SELECT 's', session_id, :now_ms FROM gatepass_sessions WHERE {opened} ON CONFLICT DO NOTHING

-- name: log_sessions
INSERT INTO gatepass_revocations (kind, id, at_ms)
SELECT 's', session_id, :now_ms FROM gatepass_sessions WHERE revoked_ms IS NULL
ON CONFLICT DO NOTHING

-- name: raise_epoch
INSERT INTO gatepass_subjects (subject, epoch, raised_ms, raised_epoch)
VALUES (:subject, 1, :now_ms, 1)
ON CONFLICT (subject) DO UPDATE
SET epoch = epoch + 1, raised_ms = max(raised_ms, :now_ms), raised_epoch = epoch + 1

-- name: raise_epoch_of_all
UPDATE gatepass_meta SET epoch_of_all = epoch_of_all + 1,
raised_ms = max(raised_ms, :now_ms), raised_epoch = epoch_of_all + 1

-- name: raise_access_life
UPDATE gatepass_meta SET longest_access_ms = :access_lifetime_ms
WHERE longest_access_ms < :access_lifetime_ms

-- name: find_limit
SELECT start_ms, previous, current FROM gatepass_limits WHERE key = :key

-- name: keep_limit
INSERT INTO gatepass_limits (key, start_ms, previous, current, ends_ms)
VALUES (:key, :start_ms, :previous, :current, :ends_ms)
ON CONFLICT (key) DO UPDATE SET start_ms = excluded.start_ms, previous = excluded.previous,
  current = excluded.current, ends_ms = excluded.ends_ms

-- name: purge_sessions
DELETE FROM gatepass_sessions WHERE session_id IN (
  SELECT session_id FROM gatepass_sessions WHERE ends_ms <= :before_ms LIMIT :size
)

-- name: purge_opaque
DELETE FROM gatepass_opaque_tokens WHERE opaque_id IN (
  SELECT opaque_id FROM gatepass_opaque_tokens WHERE ends_ms <= :before_ms LIMIT :size
)

-- name: purge_log
DELETE FROM gatepass_revocations WHERE seq IN (
  SELECT seq FROM gatepass_revocations WHERE at_ms <= :log_before_ms LIMIT :size
)

-- name: purge_limits
DELETE FROM gatepass_limits WHERE key IN (
  SELECT key FROM gatepass_limits WHERE ends_ms <= :now_ms LIMIT :size
)
