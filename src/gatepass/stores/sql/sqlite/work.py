"""Every operation on SQLite, as steps for either runner.

A `Write` is one transaction, which holds the write lock from its first statement on. The lock
stands for the subject's and the session's: nobody else writes until the commit.
"""

from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest
from typing import Any, Final

from gatepass._clock import wall_clock
from gatepass.errors import StoreUnavailable
from gatepass.sessions import (
    Bucket,
    IssuePlan,
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    SessionKind,
    key_token,
    plan_opaque,
    plan_session,
    rotate,
)
from gatepass.sessions.session import LOG_MS, SKEW_MS
from gatepass.sessions.texts import require_encodable
from gatepass.stores.sql.rows import opaque_fact_of, rotation_of, row_of, session_of
from gatepass.stores.sql.sqlite import limits, opaque
from gatepass.stores.sql.sqlite.connection import MustBeDurable, Read, SqliteConnection, Write
from gatepass.stores.sql.sqlite.statements import SQL
from gatepass.stores.steps import Steps

PURGE_SIZE: Final = 500
"""Rows of each table that one step of a purge removes, so that nobody waits long for it."""


_MOVES_ON: Final = (RotationKind.ROTATED, RotationKind.AHEAD)


class SqliteWork:
    """The operations of one store."""

    def __init__(self, clock: Callable[[], float] | None) -> None:
        self._clock = wall_clock if clock is None else clock
        self._known_access_ms = 0
        """An access lifetime that is durable by now, so that rotations need not look."""

    def now_ms(self) -> int:
        """The store's clock."""
        return int(self._clock() * 1000)

    def issue(self, plan: IssuePlan) -> Steps[Session | None]:
        """Insert a session, ending the subject's oldest ones over the limit."""
        require_encodable(plan.session_id, plan.subject, plan.client_id, plan.device, plan.actor)

        def change(connection: SqliteConnection) -> Session | None:
            now_ms = self.now_ms()
            is_key = plan.kind == "key"
            values = {"subject": plan.subject, "now_ms": now_ms, "wants_keys": is_key}
            limits.give_back(connection, plan.give_back, now_ms)
            if plan.epoch is not None:
                rows = connection.execute(SQL.find_epoch, values).fetchall()
                if plan.epoch != _number(rows):
                    return None
            _keep_log_for(plan.access_lifetime_ms, connection)
            newest_first = connection.execute(SQL.live_ids, values).fetchall()
            for (surplus,) in newest_first[max(plan.max_sessions - 1, 0) :]:
                _revoke(connection, surplus, now_ms, "max_sessions")
            session = plan_session(plan, now_ms)
            if connection.execute(SQL.insert_session, row_of(session, plan.actor)).rowcount != 1:
                raise ValueError("the session id is in use")
            if plan.opaque_id is not None:
                opaque.insert(connection, plan.opaque_id, key_token(session))
            return session

        session: Session | None = yield Write(change)
        if session is not None:
            self._learn(plan.access_lifetime_ms)
        return session

    def rotate(self, plan: RotationPlan) -> Steps[RotationFact]:
        """Apply `gatepass.sessions.rotate` to the row; reuse is committed durably."""
        if not str.isascii(plan.session_id):  # the call costs a rotation half a microsecond
            require_encodable(plan.session_id)
        is_longer = plan.access_lifetime_ms > self._known_access_ms

        def change(connection: SqliteConnection) -> RotationFact:
            now_ms = int(self._clock() * 1000)
            fact = rotate(_find_session(connection, plan.session_id), plan, now_ms)
            if fact.session is None:
                return fact
            if connection.is_durable:
                _keep_log_for(plan.access_lifetime_ms, connection)
            if fact.kind in _MOVES_ON:
                connection.execute(SQL.update_rotation, rotation_of(fact.session))
            elif fact.kind is RotationKind.REUSED:
                if not connection.is_durable:
                    raise MustBeDurable
                _revoke(connection, plan.session_id, now_ms, fact.session.reason)
            return fact

        fact: RotationFact = yield Write(change, is_longer)
        if is_longer and fact.session is not None:
            self._learn(plan.access_lifetime_ms)
        return fact

    def issue_opaque(self, plan: OpaquePlan) -> Steps[OpaqueToken | None]:
        """Record an opaque token, unless its session is over or unknown."""
        require_encodable(plan.opaque_id, plan.token_id, plan.session_id)

        def change(connection: SqliteConnection) -> OpaqueToken | None:
            token = plan_opaque(plan, _find_session(connection, plan.session_id), self.now_ms())
            if token is None:
                return None
            _keep_log_for(plan.lifetime_ms, connection)
            opaque.insert(connection, plan.opaque_id, token)
            return token

        token: OpaqueToken | None = yield Write(change, plan.lifetime_ms > self._known_access_ms)
        if token is not None:
            self._learn(plan.lifetime_ms)
        return token

    def find_opaque(self, opaque_id: str) -> Steps[OpaqueFact]:
        """Find an opaque token with its session and their revocation."""
        require_encodable(opaque_id)
        rows = yield Read(SQL.find_opaque, {"opaque_id": opaque_id}, is_quick=True)
        return opaque_fact_of(rows[0] if rows else None, self.now_ms())

    def is_revoked(self, session_id: str | None, token_id: str | None) -> Steps[bool]:
        """Find whether the session is missing or revoked, or either is in the log."""
        require_encodable(session_id, token_id)
        values = {"session_id": session_id, "token_id": token_id}
        [(is_revoked,)] = yield Read(SQL.is_revoked, values, is_quick=True)
        return bool(is_revoked)

    def log_end(self) -> Steps[int]:
        """Find the number of the last entry in the log, 0 without any."""
        return _number((yield Read(SQL.log_end, {}, is_quick=True)))

    def read_log(self, after: int) -> Steps[list[tuple[str, str, int]]]:
        """Find the entries behind this number, in order: kind, id and number."""
        return [tuple(row) for row in (yield Read(SQL.read_log, {"after": after}))]

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None
    ) -> Steps[RevokeKind]:
        """End a session and log it; a missing row is logged too, unless a secret is to match."""
        require_encodable(session_id, reason)

        def change(connection: SqliteConnection) -> RevokeKind:
            now_ms = self.now_ms()
            session = _find_session(connection, session_id)
            if sec_hash is not None and (
                session is None or not compare_digest(session.sec_hash, sec_hash)
            ):
                return RevokeKind.UNKNOWN
            if session is None:
                connection.execute(SQL.log_session, {"session_id": session_id, "now_ms": now_ms})
                return RevokeKind.UNKNOWN
            if session.revoked_ms is not None:
                return RevokeKind.ALREADY
            _revoke(connection, session_id, now_ms, reason)
            return RevokeKind.REVOKED

        kind: RevokeKind = yield Write(change)
        return kind

    def revoke_token(self, token_id: str, *, lifetime_ms: int) -> Steps[None]:
        """Log a token, and see to it that the log is kept for as long as it lives."""
        require_encodable(token_id)

        def change(connection: SqliteConnection) -> None:
            _keep_log_for(lifetime_ms, connection)
            connection.execute(SQL.log_token, {"token_id": token_id, "now_ms": self.now_ms()})

        yield Write(change)

    def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None, keep_keys: bool
    ) -> Steps[int]:
        """Raise the subject's epoch, end and log its sessions; how many live ones ended.

        Those that it opened as an actor are among them. Expired sessions end too: a token that
        is ahead of the store could bring them back.
        """
        require_encodable(subject, reason, keep)
        return self._revoke_many(
            {"subject": subject, "why": reason, "keep": keep, "keep_keys": keep_keys},
            (SQL.raise_epoch, SQL.count_live_of, SQL.log_sessions_of, SQL.revoke_sessions_of),
        )

    def revoke_all(self, *, reason: str) -> Steps[int]:
        """Raise everybody's epoch, end and log all sessions; how many live ones ended."""
        require_encodable(reason)
        return self._revoke_many(
            {"why": reason},
            (SQL.raise_epoch_of_all, SQL.count_live, SQL.log_sessions, SQL.revoke_sessions),
        )

    def sessions(self, subject: str, *, kind: SessionKind) -> Steps[list[Session]]:
        """Find the subject's live sessions of this kind, newest first."""
        require_encodable(subject)
        values = {"subject": subject, "now_ms": self.now_ms(), "wants_keys": kind == "key"}
        return [session_of(row) for row in (yield Read(SQL.live_sessions, values))]

    def note_use(self, session_id: str) -> Steps[None]:
        """Set when a key was last used; a power cut may lose it."""
        require_encodable(session_id)
        values = {"session_id": session_id, "now_ms": self.now_ms()}
        yield Write(lambda it: it.execute(SQL.note_use, values), durable=False)

    def last_epoch(self, subject: str) -> Steps[tuple[int, int]]:
        """Find the subject's epoch with its time, both of one moment."""
        require_encodable(subject)
        rows = yield Read(SQL.find_epoch, {"subject": subject, "now_ms": self.now_ms()})
        return _number(rows), _number([row[1:] for row in rows])

    def take(self, buckets: Sequence[Bucket]) -> Steps[int]:
        """Count an attempt; a power cut may lose it."""
        wait_ms: int = yield Write(
            lambda it: limits.take(it, buckets, self.now_ms()), durable=False
        )
        return wait_ms

    def give_back(self, buckets: Sequence[Bucket]) -> Steps[None]:
        """Take an attempt back; a power cut may lose that."""
        yield Write(lambda it: limits.give_back(it, buckets, self.now_ms()), durable=False)

    def purge(self) -> Steps[int]:
        """Remove rows past their retention, which each transaction reads; how many."""

        def change(connection: SqliteConnection) -> int:
            longest_access_ms = _number(connection.execute(SQL.find_access_life).fetchall())
            retention_ms, now_ms = longest_access_ms + SKEW_MS, self.now_ms()
            values = {
                "now_ms": now_ms,
                "before_ms": now_ms - retention_ms,
                "log_before_ms": now_ms - max(retention_ms, LOG_MS),
                "size": PURGE_SIZE,
            }
            statements = (SQL.purge_sessions, SQL.purge_opaque, SQL.purge_log, SQL.purge_limits)
            return sum(connection.execute(statement, values).rowcount for statement in statements)

        removed, some = 0, PURGE_SIZE
        while some >= PURGE_SIZE:
            some = yield Write(change)
            removed += some
        return removed

    def _revoke_many(
        self, which: Mapping[str, Any], statements: tuple[str, str, str, str]
    ) -> Steps[int]:
        raise_epoch, count_live, log, revoke = statements

        def change(connection: SqliteConnection) -> int:
            values = {**which, "now_ms": self.now_ms()}
            connection.execute(raise_epoch, values)
            ended = _number(connection.execute(count_live, values).fetchall())
            connection.execute(log, values)
            connection.execute(revoke, values)
            return ended

        ended: int = yield Write(change)
        return ended

    def _learn(self, access_lifetime_ms: int) -> None:
        self._known_access_ms = max(self._known_access_ms, access_lifetime_ms)


def _find_session(connection: SqliteConnection, session_id: str) -> Session | None:
    rows = connection.execute(SQL.find_session, {"session_id": session_id}).fetchall()
    return session_of(rows[0]) if rows else None


def _keep_log_for(access_lifetime_ms: int, connection: SqliteConnection) -> None:
    """Have the log kept for as long as access tokens of this lifetime live."""
    connection.execute(SQL.raise_access_life, {"access_lifetime_ms": access_lifetime_ms})


def _revoke(connection: SqliteConnection, session_id: str, now_ms: int, reason: str | None) -> None:
    values = {"session_id": session_id, "now_ms": now_ms, "why": reason}
    connection.execute(SQL.revoke_session, values)
    connection.execute(SQL.log_session, values)


def _number(rows: Any) -> int:
    """The number in the only row."""
    if len(rows) != 1 or not isinstance(rows[0][0], int):
        raise StoreUnavailable("the database is damaged")
    number: int = rows[0][0]
    return number
