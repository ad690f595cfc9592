"""Both twins of a thing behind one set of plain calls, so that one test runs over either."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, cast

from gatepass.revocations import replica_of
from gatepass.revocations.lease import steady_now
from gatepass.sessions import AsyncStore, Store
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import PATIENCE_S

Runner = asyncio.Runner


class Awaited:
    """Runs each coroutine of the wrapped twin to its end on one event loop."""

    def __init__(self, twin: object, runner: Runner) -> None:
        self.twin = twin
        self.runner = runner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.twin, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            return self.runner.run(attribute(*args, **kwargs))

        return call


def memory_store(twin: str, runner: Runner, clock: Callable[[], float], **options: Any) -> Store:
    if twin == "sync":
        return MemoryStore(clock, **options)
    store: AsyncStore = AsyncMemoryStore(clock, **options)
    return cast("Store", Awaited(store, runner))


def sql_store(
    twin: str,
    runner: Runner,
    url: str,
    clock: Callable[[], float] | None = None,
    **options: Any,
) -> Store:
    if twin == "sync":
        return SqlStore.from_url(url, clock=clock, **options)
    store: AsyncStore = AsyncSqlStore.from_url(url, clock=clock, **options)
    return cast("Store", Awaited(store, runner))


sqlite_store = sql_store


def replica_on(store: Any, runner: Runner, **options: Any) -> Any:
    """The replica that belongs to a store, of the same twin."""
    if isinstance(store, Awaited):
        return Awaited(replica_of(cast("Any", store.twin), **options), runner)
    return replica_of(store, **options)


def until(condition: Callable[[], object], runner: Runner) -> None:
    """Wait for something to be so; the tasks of a loop work only while it runs."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it has not come to be"
        runner.run(asyncio.sleep(0.01))


def until_read(replica: Any, runner: Runner) -> None:
    """Wait for a copy that is fresh by a read sent off after this call began."""
    asked = steady_now()
    until(lambda: replica.fresh() and replica.status().age < steady_now() - asked, runner)
