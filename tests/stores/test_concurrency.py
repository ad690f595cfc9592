"""Stores under an event loop and many threads, beside others who hold their locks."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.sessions import AsyncStore, RotationKind
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import patience, require_short
from tests.servers.postgres import shared_server
from tests.servers.redis_sets import running
from tests.stores import broken
from tests.stores.outcomes import LIMIT_S, LIVE, async_store_of
from tests.stores.plans import log_in, present, sid
from tests.stores.postgres_backend import DATABASE, empty_url

SQL = pytest.mark.parametrize("where", ["sqlite", "postgres"])
OTHER = sid("other")


@asynccontextmanager
async def ticking(longest_s: float) -> AsyncIterator[None]:
    """Fails when the event loop stood still for longer than this."""
    gaps = [0.0]

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.002)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    task = asyncio.create_task(tick())
    await asyncio.sleep(0)
    yield
    task.cancel()
    assert len(gaps) > 1
    require_short(max(gaps), longest_s)


@pytest.fixture
def target(where: str, url: str) -> str:
    """The URL of an empty database."""
    if where == "sqlite":
        return url
    if where == "postgres":
        return empty_url() + "?application_name=crowd"
    running(where).flush()
    return running(where).url


@contextmanager
def row_locked() -> Iterator[None]:
    """Another transaction has the row of a session in PostgreSQL."""
    with shared_server().connect(DATABASE) as connection, connection.transaction():
        query = "SELECT 1 FROM gatepass_sessions WHERE session_id = %s FOR UPDATE"
        connection.execute(query, [LIVE])
        yield


def locked(where: str, path: Path) -> AbstractContextManager[None]:
    return row_locked() if where == "postgres" else broken.locked(path)


@pytest.mark.anyio
@SQL
async def test_a_lock_does_not_stop_the_event_loop(where: str, target: str, path: Path) -> None:
    store = AsyncSqlStore.from_url(target)
    async with ticking(0.5):
        assert await store.is_revoked(LIVE, None)
    await store.issue(log_in(session_id=LIVE))
    await store.issue(log_in("bob", session_id=OTHER))

    with locked(where, path):
        async with ticking(0.3):
            began = time.perf_counter()
            answers = await asyncio.gather(
                *(store.rotate(present(LIVE)) for _ in range(5)),
                store.revoke_session(LIVE, reason="log-out"),
                store.revoke_subject("ada", reason="log-out"),
                return_exceptions=True,
            )
            took = time.perf_counter() - began
            assert not await store.is_revoked(LIVE, None)
            if where == "postgres":
                assert (await store.rotate(present(OTHER))).kind is RotationKind.ROTATED
            else:
                assert not await AsyncSqliteReplica(store).is_revoked(LIVE, None)

    assert {type(answer) for answer in answers} == {StoreUnavailable}
    require_short(took, LIMIT_S)
    # one that gave up may have been made once the lock was gone
    again = await store.rotate(present(LIVE))
    assert again.kind in {RotationKind.ROTATED, RotationKind.REPLAYED, RotationKind.REVOKED}
    await store.close()


@pytest.mark.anyio
@pytest.mark.parametrize("where", ["sqlite", "postgres", "redis 8"])
async def test_a_cancelled_caller_leaves_no_transaction_behind(
    where: str, target: str, path: Path
) -> None:
    store: AsyncStore = async_store_of(target)
    await store.issue(log_in(session_id=LIVE))

    with patience():
        if where == "redis 8":
            answers = await cancelled(store, 0)
        else:
            with locked(where, path):
                answers = await cancelled(store, 0.05)

    assert {type(answer) for answer in answers} == {asyncio.CancelledError}
    assert not await store.is_revoked(LIVE, None)
    fact = await store.rotate(present(LIVE, 1))
    assert fact.kind in {RotationKind.ROTATED, RotationKind.AHEAD}
    if where == "sqlite":
        with broken.locked(path):
            pass
    await store.close()
    left = "state ~ 'idle in transaction' AND application_name = 'crowd'"
    if where == "postgres":
        assert shared_server().run(f"SELECT 1 FROM pg_stat_activity WHERE {left}") == []  # noqa: S608


async def cancelled(store: AsyncStore, after_s: float) -> list[object]:
    """What callers were told who were all cancelled after a moment."""
    tasks = [asyncio.create_task(store.rotate(present(LIVE))) for _ in range(8)]
    await asyncio.sleep(after_s)
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


def connections(where: str) -> int:
    if where == "postgres":
        query = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'crowd'"
        return len(shared_server().run(query))
    return int(running(where).servers[0].info("clients")["connected_clients"])


@pytest.mark.anyio
@pytest.mark.parametrize("where", ["postgres", "redis 8"])
async def test_more_callers_than_connections_are_all_answered(where: str, target: str) -> None:
    before = connections(where)
    with patience():
        store: AsyncStore = async_store_of(target)
        await store.issue(log_in(session_id=LIVE))
        async with ticking(0.5):
            answers = await asyncio.gather(*(store.is_revoked(LIVE, None) for _ in range(500)))
            facts = await asyncio.gather(
                *(store.rotate(present(LIVE, leeway=60_000)) for _ in range(100))
            )

    assert answers == [False] * 500
    kinds = [fact.kind for fact in facts]
    assert kinds.count(RotationKind.ROTATED) == 1
    assert kinds.count(RotationKind.REPLAYED) == 99
    assert connections(where) - before <= 64
    await store.close()


def test_many_threads_share_one_store_and_replica(url: str) -> None:
    store = SqlStore.from_url(url)
    replica = SqliteReplica(store)

    def work(number: int) -> None:
        for step in range(40):
            name = f"{number} {step}"
            store.issue(log_in(f"subject {number}", session_id=name))
            assert not replica.is_revoked(name, None)
            assert not store.is_revoked(name, None)
            store.revoke_session(name, reason="log-out")
            assert replica.is_revoked(name, None)
            assert store.is_revoked(name, None)

    with patience(), closing(store), ThreadPoolExecutor(8) as threads:
        for working in [threads.submit(work, number) for number in range(8)]:
            working.result()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
