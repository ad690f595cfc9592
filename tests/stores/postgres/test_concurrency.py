"""PostgreSQL under threads, event loops, cancellation and forks."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RotationKind, Session
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import require_short
from tests.servers.postgres import shared_server
from tests.stores import crowd
from tests.stores.crowd import CALLERS, call
from tests.stores.plans import log_in, present
from tests.stores.postgres_backend import DATABASE, backends, empty_url
from tests.stores.test_concurrency import ticking

ROOT = Path(__file__).parents[3]


@pytest.fixture
def url() -> str:
    return empty_url()


@contextmanager
def locked(session_id: str) -> Iterator[None]:
    """Another transaction has the row of a session."""
    connection = shared_server().connect(DATABASE)
    connection.execute("BEGIN")
    connection.execute(
        "SELECT 1 FROM gatepass_sessions WHERE session_id = %s FOR UPDATE", [session_id]
    )
    yield
    connection.close()


@pytest.mark.anyio
async def test_a_lock_does_not_stop_the_event_loop(url: str) -> None:
    store = AsyncSqlStore.from_url(url)
    await store.issue(log_in(session_id="a"))
    await store.issue(log_in(session_id="b"))

    with locked("a"):
        async with ticking(0.3):
            began = time.perf_counter()
            answers = await asyncio.gather(
                *(store.rotate(present("a")) for _ in range(5)),
                store.revoke_session("a", reason="log-out"),
                store.revoke_subject("ada", reason="log-out"),
                return_exceptions=True,
            )
            took = time.perf_counter() - began
            assert not await store.is_revoked("a", None)
            assert (await store.rotate(present("b"))).kind is RotationKind.ROTATED

    assert {type(answer) for answer in answers} == {StoreUnavailable}
    require_short(took, 2.0)
    # one that gave up may have been made once the lock was gone
    again = await store.rotate(present("a"))
    assert again.kind in {RotationKind.ROTATED, RotationKind.REPLAYED}
    await store.close()


@pytest.mark.anyio
async def test_more_callers_than_connections_are_all_answered(url: str) -> None:
    store = AsyncSqlStore.from_url(url)
    await store.issue(log_in(session_id="a"))

    async with ticking(0.5):
        answers = await asyncio.gather(*(store.is_revoked("a", None) for _ in range(300)))
        facts = await asyncio.gather(*(store.rotate(present("a")) for _ in range(100)))

    assert answers == [False] * 300
    kinds = [fact.kind for fact in facts]
    assert kinds.count(RotationKind.ROTATED) == 1
    assert kinds.count(RotationKind.REPLAYED) == 99
    await store.close()


@pytest.mark.anyio
async def test_a_cancelled_caller_leaves_no_transaction_behind(url: str) -> None:
    store = AsyncSqlStore.from_url(f"{url}?application_name=cancelled")
    await store.issue(log_in(session_id="a"))

    with locked("a"):
        tasks = [asyncio.create_task(store.rotate(present("a"))) for _ in range(8)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(answer) for answer in answers} == {asyncio.CancelledError}
    assert not await store.is_revoked("a", None)
    fact = await store.rotate(present("a", 1))
    assert fact.kind in {RotationKind.ROTATED, RotationKind.AHEAD}
    await store.close()
    idle = shared_server().run(
        "SELECT 1 FROM pg_stat_activity WHERE state ~ 'idle in transaction'"
        " AND application_name = 'cancelled'"
    )
    assert idle == []


def test_one_store_serves_one_loop_after_another(url: str) -> None:
    store = AsyncSqlStore.from_url(f"{url}?application_name=loops")

    async def use(generation: int) -> tuple[RotationKind, set[int]]:
        if generation == 0:
            await store.issue(log_in(session_id="a"))
        assert await asyncio.gather(*(store.is_revoked("a", None) for _ in range(3))) == [False] * 3
        return (await store.rotate(present("a", generation))).kind, backends("loops")

    answers = [asyncio.run(use(generation)) for generation in range(3)]
    gc.collect()  # a connection that nobody closed would warn here

    assert [kind for kind, _ in answers] == [RotationKind.ROTATED] * 3
    assert not answers[0][1] & answers[1][1] & answers[2][1]
    asyncio.run(store.close())
    gc.collect()
    with pytest.raises(StoreUnavailable, match="closed"):
        asyncio.run(store.subject_epoch("ada"))


def test_two_loops_at_the_same_time_have_connections_of_their_own(url: str) -> None:
    store = AsyncSqlStore.from_url(url)
    faults: list[BaseException] = []

    async def use(name: str) -> None:
        await store.issue(log_in(name, session_id=name))
        for generation in range(30):
            fact = await store.rotate(present(name, generation))
            assert fact.kind is RotationKind.ROTATED

    def run(name: str) -> None:
        try:
            asyncio.run(use(name))
        except BaseException as fault:  # noqa: BLE001 - shown by the main thread
            faults.append(fault)

    threads = [threading.Thread(target=run, args=[f"loop {number}"]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(store.close())

    assert faults == []


@pytest.mark.parametrize("callers", ["threads", "processes"])
def test_no_subject_has_more_sessions_than_it_may(url: str, callers: str) -> None:
    store: Any = SqlStore.from_url(url)
    scene = crowd.threads(store) if callers == "threads" else crowd.processes(url)
    with scene as everybody:
        for number in range(10):
            subject = f"subject {number}"
            plans = [log_in(subject, max_sessions=5) for _ in range(CALLERS)]
            answers = everybody.all_at_once([call("issue", plan) for plan in plans])

            assert all(isinstance(answer, Session) for answer in answers)
            live = {session.session_id for session in store.sessions(subject)}
            assert len(live) == 5
            over = {plan.session_id for plan in plans} - live
            assert all(store.is_revoked(session_id, None) for session_id in over)
    store.close()
