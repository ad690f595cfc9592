"""`AsyncSqlStore` on PostgreSQL: the twin of `PostgresStore`; nothing in it stops the loop."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncEngine

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
from gatepass.stores.sql.postgres.async_pool import AsyncPostgresPool
from gatepass.stores.sql.postgres.migrate import upgrade_async
from gatepass.stores.sql.postgres.requests import PURGE_SIZE, Requests
from gatepass.stores.sql.postgres.waiting import deadline


class AsyncPostgresStore:
    """`PostgresStore` for `await`; its promises are the same."""

    def __init__(
        self, engine: AsyncEngine, *, clock: Callable[[], float] | None, schema: str | None
    ) -> None:
        self.engine = engine
        self.schema = schema
        self.clock = clock
        self._pool = AsyncPostgresPool(engine, schema)
        self._requests = Requests(schema, clock)
        self._known_access_ms = 0

    async def upgrade(self) -> None:
        """See `PostgresStore.upgrade`."""
        await upgrade_async(self.engine, self.schema)

    async def issue(self, plan: IssuePlan) -> Session | None:
        """See `PostgresStore.issue`."""
        session = await self._pool.run(self._requests.issue(plan), deadline())
        if session is not None:
            self._learn(plan.access_lifetime_ms)
        return session

    async def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `PostgresStore.rotate`; one statement for `ROTATED`, a second for anything else."""
        until = deadline()
        if plan.access_lifetime_ms <= self._known_access_ms:
            rotated = await self._pool.run(self._requests.rotate_current(plan), until)
            if rotated is not None:
                return rotated
        fact = await self._pool.run(self._requests.rotate(plan), until)
        if fact.session is not None:
            self._learn(plan.access_lifetime_ms)
        return fact

    async def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """See `PostgresStore.issue_opaque`."""
        token = await self._pool.run(self._requests.issue_opaque(plan), deadline())
        if token is not None:
            self._learn(plan.lifetime_ms)
        return token

    async def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """See `PostgresStore.find_opaque`."""
        return await self._pool.run(self._requests.find_opaque(opaque_id), deadline())

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `PostgresStore.is_revoked`."""
        return await self._pool.run(self._requests.is_revoked(session_id, token_id), deadline())

    async def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `PostgresStore.revoke_session`."""
        request = self._requests.revoke_session(session_id, reason, sec_hash)
        return await self._pool.run(request, deadline())

    async def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `PostgresStore.revoke_token`."""
        await self._pool.run(self._requests.revoke_token(token_id, lifetime_ms), deadline())

    async def revoke_subject(self, subject: str, *, reason: str) -> int:
        """See `PostgresStore.revoke_subject`."""
        until = deadline()
        ended = await self._pool.run(self._requests.revoke_subject(subject, reason), until)
        more = True
        while more:
            request = self._requests.revoke_actor(subject, reason)
            some, more = await self._pool.run(request, until)
            until = deadline()
            ended += some
        return ended

    async def revoke_all(self, *, reason: str) -> int:
        """See `PostgresStore.revoke_all`."""
        ended, after = await self._pool.run(self._requests.revoke_all("", reason), deadline())
        while after is not None:
            more, after = await self._pool.run(self._requests.revoke_all(after, reason), deadline())
            ended += more
        return ended

    async def sessions(self, subject: str) -> list[Session]:
        """See `PostgresStore.sessions`."""
        return await self._pool.run(self._requests.sessions(subject), deadline())

    async def subject_epoch(self, subject: str) -> int:
        """See `PostgresStore.subject_epoch`."""
        return await self._pool.run(self._requests.subject_epoch(subject), deadline())

    async def purge(self) -> int:
        """See `PostgresStore.purge`."""
        removed = 0
        while True:
            some = await self._pool.run(self._requests.purge(), deadline())
            removed += some
            if some < PURGE_SIZE:
                return removed

    async def close(self) -> None:
        """See `PostgresStore.close`."""
        self._pool.close()

    def _learn(self, access_lifetime_ms: int) -> None:
        """Remember what is durable by now, so that rotations need not look."""
        self._known_access_ms = max(self._known_access_ms, access_lifetime_ms)
