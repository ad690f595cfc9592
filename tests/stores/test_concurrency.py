"""SQLite under an event loop, under fork, and beside others who hold its lock."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.sessions import RotationKind
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import require_short
from tests.stores.plans import log_in, present


@contextmanager
def locked(path: Path, how: str = "EXCLUSIVE") -> Iterator[None]:
    """Another connection has the lock, in WAL mode or beyond it."""
    other = sqlite3.connect(path, isolation_level=None)
    if how == "EVERYTHING":
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
    else:
        other.execute(f"BEGIN {how}")
    yield
    other.execute("ROLLBACK")
    other.close()


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


@pytest.mark.anyio
async def test_a_locked_database_does_not_stop_the_event_loop(url: str, path: Path) -> None:
    store = AsyncSqlStore.from_url(url)
    replica = AsyncSqliteReplica(store)
    await store.issue(log_in(session_id="a"))

    with locked(path):
        async with ticking(0.3):
            began = time.perf_counter()
            answers = await asyncio.gather(
                *(store.rotate(present("a")) for _ in range(10)),
                *(store.revoke_token(f"token {number}") for number in range(10)),
                return_exceptions=True,
            )
            took = time.perf_counter() - began
            assert not await store.is_revoked("a", None)
            assert not await replica.is_revoked("a", None)

    assert {type(answer) for answer in answers} == {StoreUnavailable}
    require_short(took, 2.5)
    assert (await store.rotate(present("a"))).kind is RotationKind.ROTATED
    await store.close()


@pytest.mark.anyio
async def test_a_first_use_does_not_stop_the_event_loop(url: str) -> None:
    store = AsyncSqlStore.from_url(url)

    async with ticking(0.5):
        assert await store.is_revoked("a", None)

    await store.close()


@pytest.mark.anyio
async def test_a_cancelled_caller_leaves_no_transaction_behind(url: str, path: Path) -> None:
    store = AsyncSqlStore.from_url(url)
    await store.issue(log_in(session_id="a"))

    with locked(path):
        tasks = [asyncio.create_task(store.rotate(present("a"))) for _ in range(8)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(answer) for answer in answers} == {asyncio.CancelledError}
    assert not await store.is_revoked("a", None)
    fact = await store.rotate(present("a", 1))
    assert fact.kind in {RotationKind.ROTATED, RotationKind.AHEAD}
    with locked(path, "IMMEDIATE"):
        pass
    await store.close()


def test_one_store_serves_one_loop_after_another(url: str) -> None:
    store = AsyncSqlStore.from_url(url)
    replica = AsyncSqliteReplica(store)

    async def use(generation: int) -> RotationKind:
        if generation == 0:
            await store.issue(log_in(session_id="a"))
        assert not await store.is_revoked("a", None)
        assert not await replica.is_revoked("a", None)
        return (await store.rotate(present("a", generation))).kind

    kinds = [asyncio.run(use(generation)) for generation in range(3)]

    assert kinds == [RotationKind.ROTATED] * 3
    asyncio.run(store.close())


FORKING = """
import os, sys, threading
from gatepass.revocations.sqlite import SqliteReplica
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.stores.plans import log_in, present

store = SqlStore.from_url(sys.argv[1])
replica = SqliteReplica(store)
store.issue(log_in(session_id="a"))
stop = threading.Event()

def read_on():
    while not stop.is_set():
        assert not store.is_revoked("a", None)
        assert not replica.is_revoked("a", None)
        store.rotate(present("a", 1, sec_hash=b"wrong" * 6))

threads = [threading.Thread(target=read_on) for _ in range(3)]
for thread in threads:
    thread.start()
children = []
for number in range(6):
    gate, opener = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store.revoke_token(f"early {number}")
            os.read(gate, 1)  # until the parent has closed everything
            assert replica.is_revoked(None, f"early {number}")
            assert store.issue(log_in(f"subject {number}", session_id=f"child {number}"))
            assert store.rotate(present(f"child {number}")).kind is RotationKind.ROTATED
            store.revoke_token(f"late {number}")
            assert replica.is_revoked(None, f"late {number}")
            assert store.is_revoked(None, f"late {number}")
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    children.append((child, opener))
    assert not replica.is_revoked("a", None)
stop.set()
for thread in threads:
    thread.join()
store.revoke_token("parent")
store.close()
for _, opener in children:
    os.write(opener, b"x")
for child, _ in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_forked_children_share_the_file_safely(url: str, path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING, url]

    subprocess.run(command, check=True, timeout=60, cwd=Path(__file__).parents[2])

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    logged = {row[0] for row in connection.execute("SELECT id FROM gatepass_revocations")}
    connection.close()
    children = range(6)
    early, late = {f"early {n}" for n in children}, {f"late {n}" for n in children}
    assert logged == {"parent"} | early | late


ASYNC_FORKING = """
import asyncio, os, sys
from gatepass.revocations.sqlite import AsyncSqliteReplica
from gatepass.stores.sql import AsyncSqlStore
from tests.stores.plans import log_in

store = AsyncSqlStore.from_url(sys.argv[1])
replica = AsyncSqliteReplica(store)

async def use(name):
    assert await store.issue(log_in(name, session_id=name)) is not None
    assert not await store.is_revoked(name, None)
    await store.revoke_token(name)
    assert await replica.is_revoked(None, name)

asyncio.run(use("before"))
child = os.fork()
asyncio.run(use("parent" if child else "child"))
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert asyncio.run(replica.is_revoked(None, "child"))
asyncio.run(store.close())
"""


def test_a_forked_child_has_threads_of_its_own(url: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", ASYNC_FORKING, url]

    subprocess.run(command, check=True, timeout=60, cwd=Path(__file__).parents[2])


def test_many_threads_share_one_store_and_replica(url: str) -> None:
    store = SqlStore.from_url(url)
    replica = SqliteReplica(store)
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(40):
                name = f"{number} {step}"
                store.issue(log_in(f"subject {number}", session_id=name))
                assert not replica.is_revoked(name, None)
                assert not store.is_revoked(name, None)
                store.revoke_session(name, reason="log-out")
                assert replica.is_revoked(name, None)
                assert store.is_revoked(name, None)
        except BaseException as fault:  # noqa: BLE001 (shown by the main thread)
            faults.append(fault)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()

    assert faults == []
