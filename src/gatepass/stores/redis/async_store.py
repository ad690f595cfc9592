"""`AsyncRedisStore`: the twin of `RedisStore`."""

from collections.abc import Callable
from typing import ClassVar, Literal, Self

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
from gatepass.stores.listeners import Listeners
from gatepass.stores.redis.async_connections import AsyncConnections
from gatepass.stores.redis.checks import Finding
from gatepass.stores.redis.clients import AsyncClient, target_of
from gatepass.stores.redis.target import Target, target_of_url
from gatepass.stores.redis.work import PREFIX, TIMEOUT_S, RedisWork


class AsyncRedisStore:
    """`RedisStore` for `await`; its promises are the same.

    One store serves any number of event loops, each with connections of its own.
    """

    is_async: ClassVar[Literal[True]] = True
    database: ClassVar = "redis"

    def __init__(
        self,
        client: AsyncClient | Target,
        *,
        clock: Callable[[], float] | None = None,
        replicas: int | None = None,
        prefix: str = PREFIX,
        timeout: float = TIMEOUT_S,
    ) -> None:
        """See `RedisStore`; the client is one of `redis.asyncio`."""
        target = target_of(client, replicas, is_async=True)
        self.listeners = Listeners()
        self.work = RedisWork(target, clock, prefix, timeout)
        self._run = AsyncConnections(target)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        clock: Callable[[], float] | None = None,
        replicas: int | None = None,
        prefix: str = PREFIX,
        timeout: float = TIMEOUT_S,
    ) -> Self:
        """See `RedisStore.from_url`."""
        target = target_of_url(url)
        return cls(target, clock=clock, replicas=replicas, prefix=prefix, timeout=timeout)

    async def check(self) -> list[Finding]:
        """See `RedisStore.check`."""
        return await self._run.run(self.work.check())

    async def issue(self, plan: IssuePlan) -> Session | None:
        """See `RedisStore.issue`."""
        return await self._run.run(self.work.issue(plan))

    async def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `RedisStore.rotate`."""
        fact = await self._run.run(self.work.rotate(plan))
        self.listeners.rotated(plan.session_id, fact)
        return fact

    async def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """See `RedisStore.issue_opaque`."""
        return await self._run.run(self.work.issue_opaque(plan))

    async def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """See `RedisStore.find_opaque`."""
        return await self._run.run(self.work.find_opaque(opaque_id))

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `RedisStore.is_revoked`."""
        return await self._run.run(self.work.is_revoked(session_id, token_id))

    async def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `RedisStore.revoke_session`."""
        kind = await self._run.run(self.work.revoke_session(session_id, reason, sec_hash))
        self.listeners.session(session_id, kind, sec_hash)
        return kind

    async def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `RedisStore.revoke_token`."""
        await self._run.run(self.work.revoke_token(token_id, lifetime_ms))
        self.listeners.token(token_id)

    async def revoke_subject(self, subject: str, *, reason: str) -> int:
        """See `RedisStore.revoke_subject`."""
        ended = await self._run.run(self.work.revoke_subject(subject, reason))
        self.listeners.many()
        return ended

    async def revoke_all(self, *, reason: str) -> int:
        """See `RedisStore.revoke_all`."""
        ended = await self._run.run(self.work.revoke_all(reason))
        self.listeners.many()
        return ended

    async def sessions(self, subject: str) -> list[Session]:
        """See `RedisStore.sessions`."""
        return await self._run.run(self.work.sessions(subject))

    async def subject_epoch(self, subject: str) -> int:
        """See `RedisStore.subject_epoch`."""
        return await self._run.run(self.work.subject_epoch(subject))

    async def purge(self) -> int:
        """See `RedisStore.purge`."""
        return await self._run.run(self.work.purge())

    async def close(self) -> None:
        """See `RedisStore.close`."""
        self.listeners.closed()
        await self._run.close()
