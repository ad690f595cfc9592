"""`SqlStore`: sessions, epochs and revocations in a SQL database, from any number of threads."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from sqlalchemy import Engine

from gatepass.errors import SettingsRejected
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
from gatepass.stores.listeners import Listeners
from gatepass.stores.sql.engines import engine_of, is_postgres, postgres_part, require_usable
from gatepass.stores.sql.sqlite_store import SqliteStore

if TYPE_CHECKING:
    from gatepass.stores.sql.postgres.store import PostgresStore


class SqlStore:
    """Sessions in SQLite or PostgreSQL.

    A SQLite file is made and migrated on first use, and several processes may use it; a deleted
    or replaced file is a failure: it is neither made again nor taken for the first. The tables
    in PostgreSQL are made by `gatepass db upgrade` or `upgrade()`. Every operation raises
    `StoreUnavailable` within two seconds when the database did not do, or did not confirm,
    what it was asked.
    """

    is_async: ClassVar[Literal[False]] = False

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], float] | None = None,
        schema: str | None = None,
    ) -> None:
        require_usable(engine, schema)
        self.engine = engine
        self.database = engine.dialect.name
        self.listeners = Listeners()
        self._store: SqliteStore | PostgresStore = (
            postgres_part().PostgresStore(engine, clock=clock, schema=schema)
            if is_postgres(engine)
            else SqliteStore(engine, clock=clock)
        )

    @classmethod
    def from_url(
        cls, url: str, *, clock: Callable[[], float] | None = None, schema: str | None = None
    ) -> Self:
        """A store on `sqlite:///gate.db`, `sqlite:////absolute/gate.db` or `postgresql://…`.

        Raises:
            SettingsRejected: The URL names a database that is not supported, or whose driver
                is not installed.
        """
        return cls(engine_of(url), clock=clock, schema=schema)

    @property
    def sqlite(self) -> SqliteStore:
        """What does the work on SQLite.

        Raises:
            SettingsRejected: The sessions are in PostgreSQL.
        """
        if not isinstance(self._store, SqliteStore):
            raise SettingsRejected("this needs a store on SQLite")
        return self._store

    @property
    def postgres(self) -> "PostgresStore":
        """What does the work on PostgreSQL.

        Raises:
            SettingsRejected: The sessions are in SQLite.
        """
        if isinstance(self._store, SqliteStore):
            raise SettingsRejected("this needs a store on PostgreSQL")
        return self._store

    def upgrade(self) -> None:
        """Bring the tables up to date, making them and a SQLite file if need be.

        Any number of processes may do so at once; on PostgreSQL one waits half a minute for
        another at most.
        """
        self._store.upgrade()

    def issue(self, plan: IssuePlan) -> Session | None:
        """Insert a session under its subject's lock, durably; `None`: the epoch has changed.

        Raises:
            StoreUnavailable: The session was not inserted, or that was not confirmed.
            ValueError: The session id is in use.
        """
        require_encodable(plan.session_id, plan.subject, plan.client_id, plan.device, plan.actor)
        return self._store.issue(plan)

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """Apply `gatepass.sessions.rotate` atomically; `REUSED` is durable before it returns."""
        if not str.isascii(plan.session_id):  # the call costs a rotation half a microsecond
            require_encodable(plan.session_id)
        fact = self._store.rotate(plan)
        self.listeners.rotated(plan.session_id, fact)
        return fact

    def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """Record an opaque access token by its hash; `None`: the session is over or unknown."""
        require_encodable(plan.opaque_id, plan.token_id, plan.session_id)
        return self._store.issue_opaque(plan)

    def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """What is known of an opaque access token, revocation included."""
        require_encodable(opaque_id)
        return self._store.find_opaque(opaque_id)

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session was revoked or is missing, or the token was revoked."""
        require_encodable(session_id, token_id)
        return self._store.is_revoked(session_id, token_id)

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """End a session and log it, in one durable step; `sec_hash`, if given, must match."""
        require_encodable(session_id, reason)
        kind = self._store.revoke_session(session_id, reason=reason, sec_hash=sec_hash)
        self.listeners.session(session_id, kind, sec_hash)
        return kind

    def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """Log one token's `jti` for its life, durably; repeating changes nothing."""
        require_encodable(token_id)
        self._store.revoke_token(token_id, lifetime_ms=lifetime_ms)
        self.listeners.token(token_id)

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        """Raise the subject's epoch and end its sessions in one durable step; how many ended."""
        require_encodable(subject, reason)
        ended = self._store.revoke_subject(subject, reason=reason)
        self.listeners.many()
        return ended

    def revoke_all(self, *, reason: str) -> int:
        """End every session of every subject as `revoke_subject` does; how many ended.

        SQLite does it in one transaction, about a second for a hundred thousand sessions, in
        which nobody else writes. PostgreSQL raises everybody's epoch first, which stops log-ins
        under way, then ends sessions a thousand at a time; those opened meanwhile may end too.
        It returns when all of it is durable; after an error some have ended, and repeating ends
        the rest.
        """
        require_encodable(reason)
        ended = self._store.revoke_all(reason=reason)
        self.listeners.many()
        return ended

    def sessions(self, subject: str) -> list[Session]:
        """The subject's live sessions, newest first."""
        require_encodable(subject)
        return self._store.sessions(subject)

    def subject_epoch(self, subject: str) -> int:
        """The subject's epoch, 0 when it was never revoked."""
        require_encodable(subject)
        return self._store.subject_epoch(subject)

    def purge(self) -> int:
        """Remove rows past their absolute end + retention, log entries past retention; how many.

        A few hundred in each transaction, so that others wait for none of them long.
        """
        return self._store.purge()

    def close(self) -> None:
        """Close every connection; closing twice is fine."""
        self.listeners.closed()
        self._store.close()
