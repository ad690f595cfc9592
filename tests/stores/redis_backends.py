"""Redis stores of both twins, on servers that are started when they are first asked for."""

from collections.abc import Callable
from typing import Any, cast

from gatepass.sessions import AsyncStore, Store
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from tests.servers.redis_sets import KINDS, running
from tests.stores.twins import Awaited, Runner

__all__ = ["KINDS", "redis_store", "redis_store_at"]


def redis_store(
    kind: str, twin: str, runner: Runner, clock: Callable[[], float] | None = None, **options: Any
) -> Store:
    """A store on emptied servers of this kind."""
    servers = running(kind)
    servers.flush()
    return redis_store_at(servers.url, twin, runner, clock, **options)


def redis_store_at(
    url: str, twin: str, runner: Runner, clock: Callable[[], float] | None = None, **options: Any
) -> Store:
    """A store on whatever is at this URL."""
    if twin == "sync":
        return RedisStore.from_url(url, clock=clock, **options)
    store: AsyncStore = AsyncRedisStore.from_url(url, clock=clock, **options)
    return cast("Store", Awaited(store, runner))
