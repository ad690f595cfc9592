"""Callers cancelled wherever they wait: nobody gets another's answer, no connection is lost."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any

import pytest

from gatepass.sessions import AsyncStore, RotationKind
from gatepass.stores.redis import AsyncRedisStore
from gatepass.stores.sql import AsyncSqlStore
from tests.servers.redis_sets import running
from tests.stores.outcomes import BUCKET
from tests.stores.plans import log_in, present, sid
from tests.stores.postgres_backend import empty_url

MOST = 200
LIVE = sid("live")
OPERATIONS: dict[str, Callable[[AsyncStore], Coroutine[Any, Any, Any]]] = {
    "issue": lambda store: store.issue(
        log_in("bob", session_id=sid(secrets.token_hex(8), "bob"), max_sessions=3)
    ),
    "take": lambda store: store.take([BUCKET]),
    "rotate": lambda store: store.rotate(present(sid("spent"), 0)),
    "is_revoked": lambda store: store.is_revoked(sid("gone"), None),
    "revoke_session": lambda store: store.revoke_session(sid("gone"), reason="log-out"),
}


class CancelledAt:
    """A coroutine whose task is cancelled while it waits for the n-th time."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], place: int) -> None:
        self._coroutine = coroutine
        self._place = place

    def __await__(self) -> Generator[Any, Any, Any]:
        task = asyncio.current_task()
        assert task is not None
        waits = self._coroutine.__await__()
        interruption: BaseException | None = None
        for number in range(1, MOST + 1):
            try:
                waited = waits.throw(interruption) if interruption else next(waits)
            except StopIteration as stop:
                return stop.value
            if number == self._place:
                asyncio.get_running_loop().call_soon(task.cancel)
            interruption = None
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001 - passed on as it came
                interruption = error
        raise AssertionError


async def cancelled_at(coroutine: Coroutine[Any, Any, Any], place: int) -> bool:
    """Whether it was still waiting there."""

    async def run() -> None:
        await CancelledAt(coroutine, place)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    return task.cancelled()


def free_slots(store: AsyncStore) -> int:
    """How many connections could be used now."""
    assert isinstance(store, AsyncRedisStore | AsyncSqlStore)
    runner: Any = store._runner
    if isinstance(store, AsyncRedisStore):
        [pool] = runner._pools.values()
        return int(pool.free._value)
    [loop] = runner._loops.values()
    return int(loop.slots._value)


@pytest.fixture(params=["postgres", "redis 7", "redis 8", "valkey", "sentinel", "cluster"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "postgres":
        yield empty_url()
        return
    running(request.param).flush()
    yield running(request.param).url


def made(url: str) -> AsyncStore:
    return AsyncSqlStore.from_url(url) if "postgres" in url else AsyncRedisStore.from_url(url)


async def answers_are_its_own(store: AsyncStore) -> None:
    """Ask for things whose answers cannot be taken for each other's."""
    assert await store.is_revoked(LIVE, None) is False
    assert await store.subject_epoch("eve") == 2
    assert [one.session_id for one in await store.sessions("ada")] == [LIVE]
    assert await store.is_revoked(sid("never"), None) is True
    assert (await store.rotate(present(sid("never")))).kind is RotationKind.UNKNOWN


@pytest.mark.anyio
@pytest.mark.parametrize("what", OPERATIONS)
@pytest.mark.parametrize("is_used", [True, False])
async def test_a_caller_cancelled_wherever_it_waits(url: str, what: str, *, is_used: bool) -> None:
    first = made(url)
    await first.issue(log_in(session_id=LIVE))
    for _ in range(2):
        await first.revoke_subject("eve", reason="log-out")
    store = made(url)
    await answers_are_its_own(store)
    most = free_slots(store)

    place = 1
    while True:
        if not is_used:
            await store.close()
            store = made(url)
        was_waiting = await cancelled_at(OPERATIONS[what](store), place)
        await answers_are_its_own(store)
        await asyncio.sleep(0)
        assert free_slots(store) == most
        if not was_waiting:
            break
        place += 1

    assert place > 1
    assert len(await store.sessions("bob")) <= 3
    await store.close()
    await first.close()
