"""`SqlStore` on SQLite: sessions, epochs and revocations in one file, from many threads."""

import time
from collections.abc import Callable
from typing import ClassVar, Literal

from sqlalchemy import Engine

from gatepass.sessions import (
    IssuePlan,
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationPlan,
    Session,
)
from gatepass.sessions.texts import require_encodable
from gatepass.stores.sql.sqlite.changes import (
    PURGE_SIZE,
    SqliteChanges,
    find_epoch,
    find_live,
    find_opaque,
    find_revoked,
)
from gatepass.stores.sql.sqlite.database import SqliteDatabase


class SqliteStore:
    """Sessions in a SQLite file, which is made and migrated on first use.

    Several processes may use one file. Every operation raises `StoreUnavailable` within
    two seconds when the database did not do, or did not confirm, what it was asked. A deleted
    or replaced file is such a failure too: it is neither made again nor taken for the first.
    """

    is_async: ClassVar[Literal[False]] = False

    def __init__(self, engine: Engine, *, clock: Callable[[], float] | None = None) -> None:
        self.engine = engine
        self.database = SqliteDatabase(engine)
        self._changes = SqliteChanges(time.time if clock is None else clock)
        self._known_access_ms = 0

    def upgrade(self) -> None:
        """Make the file and bring its tables up to date, as the first use does by itself."""
        self.database.read(lambda cursor: cursor.execute("SELECT 1").fetchall())

    def now_ms(self) -> int:
        """The store's clock."""
        return self._changes.now_ms()

    def issue(self, plan: IssuePlan) -> Session | None:
        """Insert a session under its subject's lock, durably; `None`: the epoch has changed.

        Raises:
            StoreUnavailable: The session was not inserted, or that was not confirmed.
            ValueError: The session id is in use.
        """
        require_encodable(plan.session_id, plan.subject, plan.client_id, plan.device, plan.actor)
        session = self.database.write(
            lambda cursor, _: self._changes.issue(cursor, plan), durable=True
        )
        if session is not None:
            self._learn(plan.access_lifetime_ms)
        return session

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """Apply `gatepass.sessions.rotate` atomically; `REUSED` is durable before it returns."""
        require_encodable(plan.session_id)
        longer = plan.access_lifetime_ms > self._known_access_ms
        fact = self.database.write(
            lambda cursor, durable: self._changes.rotate(cursor, plan, durable=durable),
            durable=longer,
        )
        if longer and fact.session is not None:
            self._learn(plan.access_lifetime_ms)
        return fact

    def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """Record an opaque access token by its hash; `None`: the session is over or unknown."""
        require_encodable(plan.opaque_id, plan.token_id, plan.session_id)
        token = self.database.write(
            lambda cursor, _: self._changes.issue_opaque(cursor, plan),
            durable=plan.lifetime_ms > self._known_access_ms,
        )
        if token is not None:
            self._learn(plan.lifetime_ms)
        return token

    def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """What is known of an opaque access token, revocation included."""
        require_encodable(opaque_id)
        return self.database.read(lambda cursor: find_opaque(cursor, opaque_id, self.now_ms()))

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session was revoked or is missing, or the token was revoked."""
        require_encodable(session_id, token_id)
        return self.database.read(lambda cursor: find_revoked(cursor, session_id, token_id))

    def try_is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """`is_revoked`, raising `WouldWait` instead of waiting for anybody."""
        require_encodable(session_id, token_id)
        return self.database.try_read(lambda cursor: find_revoked(cursor, session_id, token_id))

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """End a session and log it, in one durable step; `sec_hash`, if given, must match."""
        require_encodable(session_id, reason)
        return self.database.write(
            lambda cursor, _: self._changes.revoke_session(cursor, session_id, reason, sec_hash),
            durable=True,
        )

    def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """Log one token's `jti` for its life, durably; repeating changes nothing."""
        require_encodable(token_id)
        self.database.write(
            lambda cursor, _: self._changes.revoke_token(cursor, token_id, lifetime_ms),
            durable=True,
        )

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        """Raise the subject's epoch and end its sessions in one durable step; how many ended."""
        require_encodable(subject, reason)
        return self.database.write(
            lambda cursor, _: self._changes.revoke_subject(cursor, subject, reason), durable=True
        )

    def revoke_all(self, *, reason: str) -> int:
        """End every session of every subject as `revoke_subject` does; how many ended.

        One transaction, about a second for a hundred thousand sessions; nobody else writes then.
        """
        require_encodable(reason)
        return self.database.write(
            lambda cursor, _: self._changes.revoke_all(cursor, reason), durable=True
        )

    def sessions(self, subject: str) -> list[Session]:
        """The subject's live sessions, newest first."""
        require_encodable(subject)
        return self.database.read(lambda cursor: find_live(cursor, subject, self.now_ms()))

    def subject_epoch(self, subject: str) -> int:
        """The subject's epoch, 0 when it was never revoked."""
        require_encodable(subject)
        return self.database.read(lambda cursor: find_epoch(cursor, subject))

    def purge(self) -> int:
        """Remove rows past their absolute end + retention, log entries past retention; how many.

        A few hundred in each transaction, so that others wait for none of them long.
        """
        removed = 0
        while True:
            some = self.database.write(lambda cursor, _: self._changes.purge(cursor), durable=True)
            removed += some
            if some < PURGE_SIZE:
                return removed

    def close(self) -> None:
        """Close every connection; closing twice is fine."""
        self.database.close()

    def _learn(self, access_lifetime_ms: int) -> None:
        """Remember what is durable by now, so that rotations need not look."""
        self._known_access_ms = max(self._known_access_ms, access_lifetime_ms)
