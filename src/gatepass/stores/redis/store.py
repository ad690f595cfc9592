"""`RedisStore` and `AsyncRedisStore`: Redis or Valkey, alone, with Sentinel or as a Cluster."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

from gatepass.stores.redis.async_connections import AsyncConnections
from gatepass.stores.redis.checks import Finding, check
from gatepass.stores.redis.clients import AsyncClient, Client, target_of
from gatepass.stores.redis.connections import Connections
from gatepass.stores.redis.target import Target, target_of_url
from gatepass.stores.redis.work import PREFIX, TIMEOUT_S, RedisWork
from gatepass.stores.twins import AwaitedStore, BlockingStore


class _OnRedis:
    """The parts of both forms that do not wait."""

    database: ClassVar = "redis"

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
        """A store at `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`.

        Raises:
            SettingsRejected: The URL cannot be read, or an argument is out of bounds.
        """
        make: Any = cls
        store: Self = make(
            target_of_url(url), clock=clock, replicas=replicas, prefix=prefix, timeout=timeout
        )
        return store


class RedisStore(_OnRedis, BlockingStore):
    """Sessions in Redis; logins and revocations count only once they are durable.

    Every operation raises `StoreUnavailable` within the timeout when Redis did not do, or did
    not confirm, a change. Connections are opened on first use, and never shared with a forked
    child. Rows expire by themselves, so `purge` returns 0. `revoke_all` goes through all keys in
    small calls: each has the timeout, the whole has none.
    """

    def __init__(
        self,
        client: Client | Target,
        *,
        clock: Callable[[], float] | None = None,
        replicas: int | None = None,
        prefix: str = PREFIX,
        timeout: float = TIMEOUT_S,
    ) -> None:
        """Take the address, credentials and TLS settings of a client.

        Args:
            client: Says where Redis is; the store opens connections of its own.
            clock: Seconds since 1970, for tests; by default the server's clock.
            replicas: How many replicas have to confirm a login or revocation. By default one
                with Sentinel or Cluster, or where the server has any; else its disk does.
            prefix: The beginning of every key's name.
            timeout: Seconds within which every operation ends.

        Raises:
            TypeError: The client is no blocking client of redis-py.
            SettingsRejected: `replicas`, `prefix` or `timeout` is out of bounds.
        """
        target = target_of(client, replicas, is_async=False)
        self.work = RedisWork(target, clock, prefix, timeout)
        super().__init__(self.work, Connections(target))

    def check(self) -> list[Finding]:
        """Weaknesses of each primary that break the store's promises; empty when all is well.

        Raises:
            StoreUnavailable: A primary does not answer.
        """
        return self._run(check(self.work.attempts))


class AsyncRedisStore(_OnRedis, AwaitedStore):
    """`RedisStore` for `await`; its promises are the same.

    One store serves any number of event loops, each with connections of its own.
    """

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
        self.work = RedisWork(target, clock, prefix, timeout)
        super().__init__(self.work, AsyncConnections(target))

    async def check(self) -> list[Finding]:
        """See `RedisStore.check`."""
        return await self._run(check(self.work.attempts))
