"""The statements of a store on PostgreSQL; most call a function of `functions/`.

1. Each is one statement in autocommit: done whole or not at all, in one round trip. Functions are
   VOLATILE under READ COMMITTED, so each statement inside sees all commits from the time in
   which the one before it waited.
2. A decision rests on rows read behind a lock: a login and `revoke_subject` take the subject's
   (advisory) lock, a rotation and a revocation the session's row, `revoke_all` a lock that logins
   share. The clock is read after the wait too.
3. Locks come in one order: everybody's, the subject's, rows by session id, buckets by their lock's
   number. The one exception, a
   longer access lifetime on its first use, can end in a deadlock, which the server breaks and the
   pool tries again.
4. Logins, revocations and reuse call `gatepass_confirm` first, so that their commit is durable. A
   repetition locks a row, which writes: its commit confirms the one whose answer was lost.
5. A row is revoked and logged in one statement. The log's entry has the transaction's number, and
   readers go by snapshots, so that an entry committed late is not passed by.
6. Operators get the very types that PostgreSQL's own take, and functions of any type are named in
   full: objects that others planted in a schema of the path would fit better.

By 1 and 2 no call acts on a state that another call has changed; by 4 and 5 every acknowledged
revocation is in the log on the disk, where every replica reads it.
"""

import hashlib
import re
from typing import Final

from gatepass.sessions.session import KEY_SEC_HASH
from gatepass.stores.sql.postgres.wire import BOOL, BYTES, NUMBER, TEXT, Statement
from gatepass.stores.sql.rows import COLUMNS

_COLUMNS: Final = ", ".join(f"s.{column}" for column in COLUMNS)
_OF_ROW: Final = ", ".join(f"(f.v_row).{column}" for column in COLUMNS)
_IS_KEY: Final = f"s.sec_hash = decode('{KEY_SEC_HASH.hex()}'::text, 'hex'::text)"
_NOW: Final = "coalesce({}, floor(extract(epoch FROM clock_timestamp()) * 1000::numeric)::bigint)"

CHANNEL: Final = "gatepass_revocations"
"""The channel that notifies readers of the log of new entries."""

_LIMITS: Final = {
    "statement_timeout": "1800",
    "lock_timeout": "1700",
    "idle_in_transaction_session_timeout": "5000",
    "jit": "off",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
}
"""The settings of our sessions of PostgreSQL; times in milliseconds."""


def _call(name: str, *types: int) -> tuple[str, tuple[int, ...]]:
    """A function's only value."""
    parameters = ", ".join(f"${number}" for number, _ in enumerate(types, 1))
    return f"SELECT {{p}}gatepass_{name}({parameters})", types


# A crash resets the statistics, also where the server that met it goes on by itself.
_READ_LOG: Final = """
SELECT pg_is_in_recovery(), pg_current_snapshot()::text,
  coalesce(extract(epoch FROM pg_postmaster_start_time())::text, '') || '/'::text
    || coalesce(extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time())::text, ''),
  m.log_identity, m.longest_access_ms, {{now $7}}, $5 IS NULL OR EXISTS (
    SELECT 1 FROM {{p}}gatepass_revocations w WHERE w.kind = $5 AND w.id = $6
  ), e.entries
FROM {{p}}gatepass_meta m CROSS JOIN LATERAL (
  SELECT coalesce(
    pg_catalog.json_agg(
      pg_catalog.json_build_array(r.xid::text, r.seq, r.kind, r.id, r.at_ms)
    )::text, '[]'
  ) AS entries FROM ({}) r
) e
"""
"""Entries behind ($3, $4); the snapshot of this very statement says where to go on, and when the
server began to give out numbers whether that can be relied on.

They come as one value, which takes less time than as many rows.
"""
# What a snapshot did not see is after it, or was under way: looked up by number, since whoever
# leaves a transaction open would have everybody go through all that came after it.
# One bound for both, or the index is gone through from its start.
_UNSEEN: Final = """
SELECT n.xid, n.seq, n.kind, n.id, n.at_ms FROM (
  (SELECT a.xid, a.seq, a.kind, a.id, a.at_ms FROM {p}gatepass_revocations a
    WHERE (a.xid, a.seq) > (
        greatest($3::text::xid8, pg_snapshot_xmax($1::text::pg_snapshot)),
        CASE WHEN $3::text::xid8 >= pg_snapshot_xmax($1::text::pg_snapshot) THEN $4 ELSE 0 END
      )
    ORDER BY a.xid, a.seq LIMIT $8)
  UNION ALL
  (SELECT u.xid, u.seq, u.kind, u.id, u.at_ms FROM {p}gatepass_revocations u
    WHERE u.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))
      AND (u.xid, u.seq) > ($3::text::xid8, $4)
    ORDER BY u.xid, u.seq LIMIT $8)
) n
ORDER BY n.xid, n.seq LIMIT $8
"""
# The second bound, which nothing exceeds, has the planner expect few rows, and take the index.
_YOUNG: Final = """
SELECT n.xid, n.seq, n.kind, n.id, n.at_ms FROM {p}gatepass_revocations n
WHERE n.at_ms BETWEEN $2 AND $2 + 1000000000000000
  AND (n.xid, n.seq) > ($3::text::xid8, $4)
ORDER BY n.xid, n.seq LIMIT $8
"""
_EITHER: Final = """
SELECT n.xid, n.seq, n.kind, n.id, n.at_ms FROM (({}) UNION ({})) n
ORDER BY n.xid, n.seq LIMIT $8
"""
_ISSUES: Final = (
    *(TEXT, TEXT, TEXT, TEXT, NUMBER, BYTES, BYTES, NUMBER),
    *(NUMBER, NUMBER, NUMBER, NUMBER, BOOL, NUMBER, TEXT),
)
_READS_LOG: Final = (TEXT, NUMBER, TEXT, NUMBER, TEXT, TEXT, NUMBER, NUMBER)

# A pooler may ask a standby, although the connection was made to a primary: reads look each time.
_TEXTS: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    "greet": (
        "SELECT pg_is_in_recovery(), current_setting('server_encoding'), "
        + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _LIMITS.items()),
        (),
    ),
    "revision": ("SELECT version_num FROM {p}gatepass_alembic_version", ()),
    # One statement, ROTATED or nothing: under READ COMMITTED its conditions are looked at again
    # after a wait for the row's lock.
    "rotate_current": (
        """
        UPDATE {p}gatepass_sessions AS s SET
          generation = s.generation + 1,
          born_ms = c.now_ms,
          last_used_ms = c.now_ms,
          idle_ends_ms = least(c.now_ms + $6, s.ends_ms),
          claims_json = coalesce($4, s.claims_json),
          recent = {p}gatepass_superseded(s.recent, s.generation, c.now_ms, $5)
        FROM (SELECT {now $7} AS now_ms) AS c
        WHERE s.session_id = $1 AND s.generation = $2 AND s.sec_hash = $3
          AND s.revoked_ms IS NULL AND c.now_ms < s.ends_ms AND c.now_ms < s.idle_ends_ms
        RETURNING {columns}
        """,
        (TEXT, NUMBER, BYTES, BYTES, NUMBER, NUMBER, NUMBER),
    ),
    "rotate": (
        "SELECT f.v_kind, {row} FROM {p}gatepass_rotate($1, $2, $3, $4, $5, $6, $7, $8) f",
        (TEXT, NUMBER, BYTES, BYTES, NUMBER, NUMBER, NUMBER, NUMBER),
    ),
    "issue": _call("issue", *_ISSUES),
    "issue_giving_back": (
        """
        SELECT {p}gatepass_issue($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15),
          {p}gatepass_give_back($16::json, $14, false)
        """,
        (*_ISSUES, TEXT),
    ),
    # Answers nothing when the epoch has changed; a repetition finds its own row.
    "issue_key": (
        """
        INSERT INTO {p}gatepass_opaque_tokens AS o
          (opaque_id, token_id, session_id, issued_ms, ends_ms)
        SELECT $16, $1, $1, i.began_ms, i.began_ms + $9
        FROM {p}gatepass_issue(
          $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS i (began_ms)
        WHERE i.began_ms IS NOT NULL
        ON CONFLICT (opaque_id) DO UPDATE SET token_id = excluded.token_id
          WHERE o.token_id = excluded.token_id
        RETURNING o.issued_ms
        """,
        (*_ISSUES, TEXT),
    ),
    "note_use": (
        """
        UPDATE {p}gatepass_sessions AS s SET born_ms = c.now_ms, last_used_ms = c.now_ms
        FROM (SELECT {now $2} AS now_ms) AS c
        WHERE s.session_id = $1 AND s.revoked_ms IS NULL AND {is_key}
        """,
        (TEXT, NUMBER),
    ),
    "take": ("SELECT {p}gatepass_take($1::json, $2)", (TEXT, NUMBER)),
    "give_back": ("SELECT {p}gatepass_give_back($1::json, $2, true)", (TEXT, NUMBER)),
    "issue_opaque": (
        """
        SELECT f.v_issued_ms, f.v_ends_ms, {row}
        FROM {p}gatepass_issue_opaque($1, $2, $3, $4, $5) f
        """,
        (TEXT, TEXT, TEXT, NUMBER, NUMBER),
    ),
    "find_opaque": (
        """
        SELECT p.is_standby, {now $2}, o.token_id, o.issued_ms, o.ends_ms, EXISTS (
            SELECT 1 FROM {p}gatepass_revocations r WHERE r.kind = 't' AND r.id = o.token_id
          ) OR EXISTS (
            SELECT 1 FROM {p}gatepass_revocations r WHERE r.kind = 's' AND r.id = o.session_id
          ), {columns}
        FROM (SELECT pg_is_in_recovery() AS is_standby) p
        LEFT JOIN {p}gatepass_opaque_tokens o ON o.opaque_id = $1
        LEFT JOIN {p}gatepass_sessions s ON s.session_id = o.session_id
        """,
        (TEXT, NUMBER),
    ),
    "is_revoked": (
        """
        SELECT CASE WHEN NOT pg_is_in_recovery() THEN
          ($1 IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM {p}gatepass_sessions s WHERE s.session_id = $1 AND s.revoked_ms IS NULL))
          OR EXISTS (SELECT 1 FROM {p}gatepass_revocations r WHERE r.kind = 's' AND r.id = $1)
          OR EXISTS (SELECT 1 FROM {p}gatepass_revocations r WHERE r.kind = 't' AND r.id = $2)
        END
        """,
        (TEXT, TEXT),
    ),
    "find_revoked": (
        """
        SELECT CASE WHEN NOT pg_is_in_recovery() THEN (
          SELECT coalesce(
            pg_catalog.json_agg(pg_catalog.json_build_array(f.kind, f.id))::text, '[]'
          ) FROM (
            SELECT 's' AS kind, i.value AS id FROM pg_catalog.json_array_elements_text($1::json) i
            WHERE NOT EXISTS (SELECT 1 FROM {p}gatepass_sessions s
                WHERE s.session_id = i.value AND s.revoked_ms IS NULL)
              OR EXISTS (
                SELECT 1 FROM {p}gatepass_revocations r WHERE r.kind = 's' AND r.id = i.value)
            UNION ALL
            SELECT 't', i.value FROM pg_catalog.json_array_elements_text($2::json) i
            WHERE EXISTS (
              SELECT 1 FROM {p}gatepass_revocations r WHERE r.kind = 't' AND r.id = i.value)
          ) f
        ) END
        """,
        (TEXT, TEXT),
    ),
    "revoke_session": _call("revoke_session", TEXT, TEXT, BYTES, NUMBER),
    "revoke_token": _call("revoke_token", TEXT, NUMBER, NUMBER),
    "revoke_subject": (
        "SELECT {p}gatepass_revoke_subject($1, $2, $3, $4, $5), {p}gatepass_note_raise($1, $4)",
        (TEXT, TEXT, TEXT, NUMBER, BOOL),
    ),
    "revoke_actor": (
        "SELECT f.v_ended, f.v_more FROM {p}gatepass_revoke_actor($1, $2, $3, $4) f",
        (TEXT, NUMBER, TEXT, NUMBER),
    ),
    "revoke_all": (
        "SELECT f.v_ended, f.v_last FROM {p}gatepass_revoke_all($1, $2, $3, $4) f",
        (TEXT, NUMBER, TEXT, NUMBER),
    ),
    "sessions": (
        """
        SELECT c.is_standby, {columns}
        FROM (SELECT pg_is_in_recovery() AS is_standby, {now $2} AS now_ms) AS c
        LEFT JOIN {p}gatepass_sessions s ON s.subject = $1 AND s.revoked_ms IS NULL
          AND s.idle_ends_ms > c.now_ms AND s.ends_ms > c.now_ms AND ({is_key}) = $3
        ORDER BY s.created_ms DESC, s.session_id COLLATE "C" DESC
        """,
        (TEXT, NUMBER, BOOL),
    ),
    # One statement, one snapshot: an epoch that is newer than its time would let a login pass.
    "last_epoch": (
        """
        SELECT CASE WHEN NOT pg_is_in_recovery() THEN m.epoch_of_all + coalesce(s.epoch, 0) END,
          greatest(
            CASE WHEN m.epoch_of_all > m.raised_epoch THEN {now $2} ELSE m.raised_ms END,
            CASE WHEN s.epoch > s.raised_epoch THEN {now $2} ELSE s.raised_ms END)
        FROM {p}gatepass_meta m LEFT JOIN {p}gatepass_subjects s ON s.subject = $1
        """,
        (TEXT, NUMBER),
    ),
    "purge": (
        "SELECT {p}gatepass_purge($1, $2) + {p}gatepass_purge_limits($1, $2)",
        (NUMBER, NUMBER),
    ),
    "listen": (f"LISTEN {CHANNEL}", ()),
    # The entries that snapshot $1 did not see yet, whatever their numbers.
    "read_log": (_READ_LOG.format(_UNSEEN), _READS_LOG),
    # Those, and besides them what is as young as $2.
    "read_log_back": (
        _READ_LOG.format(_EITHER.format(_UNSEEN, _YOUNG)),
        _READS_LOG,
    ),
}


def statements_of(schema: str | None) -> dict[str, Statement]:
    """All statements, on the tables and functions of this schema."""
    prefix = "" if schema is None else f'"{schema}".'

    def fill(text: str) -> bytes:
        text = text.replace("{columns}", _COLUMNS).replace("{row}", _OF_ROW)
        text = text.replace("{is_key}", _IS_KEY)
        text = re.sub(r"{now (\$\d)}", lambda found: _NOW.format(found[1]), text)
        return " ".join(text.replace("{p}", prefix).split()).encode()

    statements = {}
    for name, (text, types) in _TEXTS.items():
        filled = fill(text)
        # A pooler may hand the same connection to a store of another schema or release.
        mark = hashlib.sha256(filled).hexdigest()[:12]
        statements[name] = Statement(f"gatepass_{name}_{mark}".encode(), filled, types)
    return statements
