-- The tables of v0001. Each database has its own words for what is in braces.

-- The indexes leave ended sessions out. Those stay as rows for a month, and a login looks at the
-- live ones of its subject while it holds the lock: a user who logs in and out all day would make
-- each login slower than the one before.
CREATE TABLE {p}gatepass_sessions (
  session_id TEXT NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL,
  client_id TEXT NOT NULL,
  device TEXT,
  auth_time BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  born_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  last_used_ms BIGINT NOT NULL,
  idle_ends_ms BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL,
  revoked_ms BIGINT,
  reason TEXT,
  claims_json {bytes} NOT NULL,
  sec_hash {bytes} NOT NULL,
  recent {bytes} NOT NULL,
  actor TEXT
) {options};
CREATE INDEX gatepass_sessions_ends ON {p}gatepass_sessions (ends_ms);
CREATE INDEX gatepass_sessions_unrevoked ON {p}gatepass_sessions (subject, created_ms)
  WHERE revoked_ms IS NULL;
CREATE INDEX gatepass_sessions_actor ON {p}gatepass_sessions (actor, session_id)
  WHERE actor IS NOT NULL AND revoked_ms IS NULL;

-- No foreign key to sessions: a purge removes each token by its own end, and a missing session
-- means revoked.
CREATE TABLE {p}gatepass_opaque_tokens (
  opaque_id TEXT NOT NULL PRIMARY KEY,
  token_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  issued_ms BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL
);
CREATE INDEX gatepass_opaque_tokens_ends ON {p}gatepass_opaque_tokens (ends_ms);

CREATE TABLE {p}gatepass_revocations (
  seq {counted} NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  CONSTRAINT gatepass_revocations_kind_id UNIQUE (kind, id)
);
CREATE INDEX gatepass_revocations_at ON {p}gatepass_revocations (at_ms);

CREATE TABLE {p}gatepass_meta (
  log_identity TEXT NOT NULL PRIMARY KEY,
  longest_access_ms BIGINT NOT NULL,
  epoch_of_all BIGINT NOT NULL
);
INSERT INTO {p}gatepass_meta VALUES ('{identity}', 0, 0);

CREATE TABLE {p}gatepass_subjects (
  subject TEXT NOT NULL PRIMARY KEY,
  epoch BIGINT NOT NULL
);

CREATE TABLE {p}gatepass_accounts (
  subject TEXT NOT NULL PRIMARY KEY,
  username TEXT NOT NULL,
  email TEXT,
  role TEXT,
  password_hash TEXT NOT NULL,
  disabled BOOLEAN NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  CONSTRAINT gatepass_accounts_username UNIQUE (username)
);
