"""What each operation does inside its transaction on SQLite; the caller begins and commits."""

from collections.abc import Callable
from hmac import compare_digest
from sqlite3 import Cursor
from typing import Any, Final

from gatepass.errors import StoreUnavailable
from gatepass.sessions import (
    IssuePlan,
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    plan_opaque,
    plan_session,
    rotate,
)
from gatepass.sessions.session import LOG_MS, SKEW_MS
from gatepass.stores.sql.rows import opaque_fact_of, rotation_of, row_of, session_of
from gatepass.stores.sql.sqlite.connection import MustBeDurable
from gatepass.stores.sql.sqlite.statements import SQL

PURGE_SIZE: Final = 500
"""Rows that one transaction of a purge removes, so that nobody waits long for it."""


class SqliteChanges:
    """The operations of a store, each on a cursor whose transaction holds the write lock.

    The lock makes the subject's and the session's: nobody else writes until the commit.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def now_ms(self) -> int:
        """The store's clock."""
        return int(self._clock() * 1000)

    def issue(self, cursor: Cursor, plan: IssuePlan) -> Session | None:
        """Insert a session, ending the oldest ones over the limit; `None`: the epoch changed."""
        now_ms = self.now_ms()
        if plan.epoch is not None and plan.epoch != find_epoch(cursor, plan.subject):
            return None
        cursor.execute(SQL.raise_access_life, {"access_lifetime_ms": plan.access_lifetime_ms})
        values = {"subject": plan.subject, "now_ms": now_ms}
        newest_first = cursor.execute(SQL.live_ids, values).fetchall()
        for (surplus,) in newest_first[max(plan.max_sessions - 1, 0) :]:
            self._revoke(cursor, surplus, now_ms, "max_sessions")
        session = plan_session(plan, now_ms)
        if cursor.execute(SQL.insert_session, row_of(session, plan.actor)).rowcount != 1:
            raise ValueError("the session id is in use")
        return session

    def rotate(self, cursor: Cursor, plan: RotationPlan, *, durable: bool) -> RotationFact:
        """Apply `gatepass.sessions.rotate` to the row.

        Raises:
            MustBeDurable: The token was reused, and this commit would not be durable.
        """
        now_ms = self.now_ms()
        fact = rotate(find_session(cursor, plan.session_id), plan, now_ms)
        if fact.session is None:
            return fact
        if durable:
            cursor.execute(SQL.raise_access_life, {"access_lifetime_ms": plan.access_lifetime_ms})
        if fact.kind is RotationKind.ROTATED or fact.kind is RotationKind.AHEAD:
            cursor.execute(SQL.update_rotation, rotation_of(fact.session))
        elif fact.kind is RotationKind.REUSED:
            if not durable:
                raise MustBeDurable
            self._revoke(cursor, plan.session_id, now_ms, fact.session.reason)
        return fact

    def issue_opaque(self, cursor: Cursor, plan: OpaquePlan) -> OpaqueToken | None:
        """Record an opaque token; `None`: its session is over or unknown."""
        token = plan_opaque(plan, find_session(cursor, plan.session_id), self.now_ms())
        if token is None:
            return None
        cursor.execute(SQL.raise_access_life, {"access_lifetime_ms": plan.lifetime_ms})
        values = {
            "opaque_id": plan.opaque_id,
            "token_id": plan.token_id,
            "session_id": plan.session_id,
            "issued_ms": token.issued_ms,
            "ends_ms": token.ends_ms,
        }
        if cursor.execute(SQL.insert_opaque, values).rowcount != 1:
            raise ValueError("the opaque token's hash is in use")
        return token

    def revoke_session(
        self, cursor: Cursor, session_id: str, reason: str, sec_hash: bytes | None
    ) -> RevokeKind:
        """End a session and log it; a missing row is logged too, unless a secret is to match."""
        now_ms = self.now_ms()
        session = find_session(cursor, session_id)
        if sec_hash is not None and (
            session is None or not compare_digest(session.sec_hash, sec_hash)
        ):
            return RevokeKind.UNKNOWN
        if session is None:
            cursor.execute(SQL.log_session, {"session_id": session_id, "now_ms": now_ms})
            return RevokeKind.UNKNOWN
        if session.revoked_ms is not None:
            return RevokeKind.ALREADY
        self._revoke(cursor, session_id, now_ms, reason)
        return RevokeKind.REVOKED

    def revoke_token(self, cursor: Cursor, token_id: str, lifetime_ms: int) -> None:
        """Log a token, and see to it that the log is kept for as long as it lives."""
        cursor.execute(SQL.raise_access_life, {"access_lifetime_ms": lifetime_ms})
        cursor.execute(SQL.log_token, {"token_id": token_id, "now_ms": self.now_ms()})

    def revoke_subject(self, cursor: Cursor, subject: str, reason: str) -> int:
        """Raise the subject's epoch, end and log its sessions; how many live ones ended.

        Those that it opened as an actor are among them. Expired sessions end too: a token that
        is ahead of the store could bring them back.
        """
        values = {"subject": subject, "now_ms": self.now_ms(), "why": reason}
        cursor.execute(SQL.raise_epoch, values)
        [(ended,)] = cursor.execute(SQL.count_live_of, values).fetchall()
        cursor.execute(SQL.log_sessions_of, values)
        cursor.execute(SQL.revoke_sessions_of, values)
        return int(ended)

    def revoke_all(self, cursor: Cursor, reason: str) -> int:
        """Raise everybody's epoch, end and log all sessions; how many live ones ended."""
        values = {"now_ms": self.now_ms(), "why": reason}
        cursor.execute(SQL.raise_epoch_of_all)
        [(ended,)] = cursor.execute(SQL.count_live, values).fetchall()
        cursor.execute(SQL.log_sessions, values)
        cursor.execute(SQL.revoke_sessions, values)
        return int(ended)

    def purge(self, cursor: Cursor) -> int:
        """Remove some of what is past its retention, which this transaction reads; how many."""
        retention_ms = _one(cursor.execute(SQL.find_access_life)) + SKEW_MS
        now_ms = self.now_ms()
        values = {
            "before_ms": now_ms - retention_ms,
            "log_before_ms": now_ms - max(retention_ms, LOG_MS),
            "size": PURGE_SIZE,
        }
        statements = (SQL.purge_sessions, SQL.purge_opaque, SQL.purge_log)
        return sum(cursor.execute(statement, values).rowcount for statement in statements)

    @staticmethod
    def _revoke(cursor: Cursor, session_id: str, now_ms: int, reason: str | None) -> None:
        values = {"session_id": session_id, "now_ms": now_ms, "why": reason}
        cursor.execute(SQL.revoke_session, values)
        cursor.execute(SQL.log_session, values)


def find_session(cursor: Cursor, session_id: str) -> Session | None:
    """The session with this id."""
    rows = cursor.execute(SQL.find_session, {"session_id": session_id}).fetchall()
    return session_of(rows[0]) if rows else None


def find_live(cursor: Cursor, subject: str, now_ms: int) -> list[Session]:
    """The subject's live sessions, newest first."""
    values = {"subject": subject, "now_ms": now_ms}
    return [session_of(row) for row in cursor.execute(SQL.live_sessions, values).fetchall()]


def find_epoch(cursor: Cursor, subject: str) -> int:
    """The subject's epoch, which never goes down."""
    return _one(cursor.execute(SQL.find_epoch, {"subject": subject}))


def find_revoked(cursor: Cursor, session_id: str | None, token_id: str | None) -> bool:
    """The direct check: the session is missing or revoked, or either is in the log."""
    values = {"session_id": session_id, "token_id": token_id}
    return bool(cursor.execute(SQL.is_revoked, values).fetchall()[0][0])


def find_opaque(cursor: Cursor, opaque_id: str, now_ms: int) -> OpaqueFact:
    """What is known of an opaque token, its session and their revocation."""
    rows = cursor.execute(SQL.find_opaque, {"opaque_id": opaque_id}).fetchall()
    return opaque_fact_of(rows[0] if rows else None, now_ms)


def _one(found: Any) -> int:
    """The number in the only row."""
    rows = found.fetchall()
    if len(rows) != 1 or not isinstance(rows[0][0], int):
        raise StoreUnavailable("the database is damaged")
    return rows[0][0]
