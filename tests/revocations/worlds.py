"""A store, its replica and another process's store, on whichever database, in either twin."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from gatepass.revocations import AsyncReplica, Replica
from gatepass.sessions import Store
from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.servers.redis_sets import running
from tests.stores.plans import log_in
from tests.stores.postgres_backend import empty_url
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Awaited, Runner, sql_store

BACKENDS = ("postgres", "redis 8", "sentinel", "cluster")


def empty_backend(backend: str) -> str:
    """The URL of a database that holds nothing."""
    if backend == "postgres":
        return empty_url()
    servers = running(backend)
    servers.flush()
    return servers.url


def open_store(url: str) -> SqlStore | RedisStore:
    """A blocking store."""
    return RedisStore.from_url(url) if url.startswith("redis") else SqlStore.from_url(url)


class World:
    """What one test needs; `replica` and `store` are of one process, `elsewhere` of another."""

    def __init__(self, url: str, twin: str, runner: Runner, **options: Any) -> None:
        self.url = url
        self.runner = runner
        self.is_async = twin == "async"
        self.elsewhere = open_store(url)
        if url.startswith("postgres"):
            self.store: Store = sql_store(twin, runner, url)
        else:
            self.store = redis_store_at(url, twin, runner)
        store: Any = self.store
        if self.is_async:
            self.inner: Any = AsyncReplica(store.twin, **options)
            self.replica: Any = Awaited(self.inner, runner)
        else:
            self.inner = self.replica = Replica(store, **options)

    def pause(self, seconds: float = 0.01) -> None:
        """Let others work: the tasks of a loop do so only while it runs."""
        if self.is_async:
            self.runner.run(asyncio.sleep(seconds))
        else:
            time.sleep(seconds)

    def until(self, condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Wait for something to be so."""
        end = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < end, "it has not come to be"
            self.pause()

    def until_fresh(self) -> None:
        self.until(self.replica.fresh)

    def log_in(self, subject: str = "ada") -> str:
        """The id of a new session."""
        session = self.elsewhere.issue(log_in(subject))
        assert session is not None
        return session.session_id

    def close(self) -> None:
        self.replica.close()
        self.store.close()
        self.elsewhere.close()
