"""Both twins of a thing behind one set of plain calls, so that one test runs over either."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, cast

from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.sessions import AsyncRevocations, AsyncStore, Revocations, Store
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore

Runner = asyncio.Runner


class Awaited:
    """Runs each coroutine of the wrapped twin to its end on one event loop."""

    def __init__(self, twin: object, runner: Runner) -> None:
        self.twin = twin
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.twin, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._runner.run(attribute(*args, **kwargs))

        return call


def memory_store(twin: str, runner: Runner, clock: Callable[[], float], **options: Any) -> Store:
    if twin == "sync":
        return MemoryStore(clock, **options)
    store: AsyncStore = AsyncMemoryStore(clock, **options)
    return cast("Store", Awaited(store, runner))


def sql_store(
    twin: str, runner: Runner, url: str, clock: Callable[[], float] | None = None
) -> Store:
    if twin == "sync":
        return SqlStore.from_url(url, clock=clock)
    store: AsyncStore = AsyncSqlStore.from_url(url, clock=clock)
    return cast("Store", Awaited(store, runner))


sqlite_store = sql_store


def sqlite_replica(store: Store, runner: Runner) -> Revocations:
    if isinstance(store, SqlStore):
        return SqliteReplica(store)
    twin = cast("Awaited", store).twin
    assert isinstance(twin, AsyncSqlStore)
    replica: AsyncRevocations = AsyncSqliteReplica(twin)
    return cast("Revocations", Awaited(replica, runner))
