"""`AsyncSqlStore`: the twin of `SqlStore` that never makes an event loop wait."""

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
from gatepass.stores.sql.engines import (
    async_engine_of,
    postgres_part,
    require_usable_async,
)
from gatepass.stores.sql.sqlite_async_store import AsyncSqliteStore
from gatepass.stores.sql.sqlite_store import SqliteStore

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from gatepass.stores.sql.postgres.async_store import AsyncPostgresStore


class AsyncSqlStore:
    """`SqlStore` for `await`; its promises are the same. One serves any number of event loops.

    On SQLite it takes an `Engine`: the revocation check runs where it is called, in
    microseconds, as long as no lock is in the way, and everything else runs in threads. On
    PostgreSQL it takes an `AsyncEngine`.
    """

    is_async: ClassVar[Literal[True]] = True

    def __init__(
        self,
        engine: "Engine | AsyncEngine",
        *,
        clock: Callable[[], float] | None = None,
        schema: str | None = None,
    ) -> None:
        require_usable_async(engine, schema)
        self.engine = engine
        self.database = engine.dialect.name
        self.listeners = Listeners()
        self._store: AsyncSqliteStore | AsyncPostgresStore
        if isinstance(engine, Engine):
            self._store = AsyncSqliteStore(engine, clock=clock)
        else:
            self._store = postgres_part().AsyncPostgresStore(engine, clock=clock, schema=schema)

    @classmethod
    def from_url(
        cls, url: str, *, clock: Callable[[], float] | None = None, schema: str | None = None
    ) -> Self:
        """See `SqlStore.from_url`."""
        return cls(async_engine_of(url), clock=clock, schema=schema)

    @property
    def sqlite(self) -> AsyncSqliteStore:
        """See `SqlStore.sqlite`."""
        if not isinstance(self._store, AsyncSqliteStore):
            raise SettingsRejected("this needs a store on SQLite")
        return self._store

    @property
    def postgres(self) -> "AsyncPostgresStore":
        """See `SqlStore.postgres`."""
        if isinstance(self._store, AsyncSqliteStore):
            raise SettingsRejected("this needs a store on PostgreSQL")
        return self._store

    @property
    def twin(self) -> SqliteStore:
        """The synchronous store behind this one, on SQLite."""
        return self.sqlite.twin

    async def upgrade(self) -> None:
        """See `SqlStore.upgrade`."""
        await self._store.upgrade()

    async def issue(self, plan: IssuePlan) -> Session | None:
        """See `SqlStore.issue`."""
        require_encodable(plan.session_id, plan.subject, plan.client_id, plan.device, plan.actor)
        return await self._store.issue(plan)

    async def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `SqlStore.rotate`."""
        if not str.isascii(plan.session_id):
            require_encodable(plan.session_id)
        fact = await self._store.rotate(plan)
        self.listeners.rotated(plan.session_id, fact)
        return fact

    async def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """See `SqlStore.issue_opaque`."""
        require_encodable(plan.opaque_id, plan.token_id, plan.session_id)
        return await self._store.issue_opaque(plan)

    async def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """See `SqlStore.find_opaque`."""
        require_encodable(opaque_id)
        return await self._store.find_opaque(opaque_id)

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `SqlStore.is_revoked`."""
        require_encodable(session_id, token_id)
        return await self._store.is_revoked(session_id, token_id)

    async def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `SqlStore.revoke_session`."""
        require_encodable(session_id, reason)
        kind = await self._store.revoke_session(session_id, reason=reason, sec_hash=sec_hash)
        self.listeners.session(session_id, kind, sec_hash)
        return kind

    async def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `SqlStore.revoke_token`."""
        require_encodable(token_id)
        await self._store.revoke_token(token_id, lifetime_ms=lifetime_ms)
        self.listeners.token(token_id)

    async def revoke_subject(self, subject: str, *, reason: str) -> int:
        """See `SqlStore.revoke_subject`."""
        require_encodable(subject, reason)
        ended = await self._store.revoke_subject(subject, reason=reason)
        self.listeners.many()
        return ended

    async def revoke_all(self, *, reason: str) -> int:
        """See `SqlStore.revoke_all`."""
        require_encodable(reason)
        ended = await self._store.revoke_all(reason=reason)
        self.listeners.many()
        return ended

    async def sessions(self, subject: str) -> list[Session]:
        """See `SqlStore.sessions`."""
        require_encodable(subject)
        return await self._store.sessions(subject)

    async def subject_epoch(self, subject: str) -> int:
        """See `SqlStore.subject_epoch`."""
        require_encodable(subject)
        return await self._store.subject_epoch(subject)

    async def purge(self) -> int:
        """See `SqlStore.purge`."""
        return await self._store.purge()

    async def close(self) -> None:
        """See `SqlStore.close`."""
        self.listeners.closed()
        await self._store.close()
