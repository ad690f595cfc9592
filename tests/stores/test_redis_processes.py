"""Redis stores across forks and event loops: no connection is shared, nothing hangs or leaks."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from gatepass.sessions import RotationKind
from gatepass.stores.redis import AsyncRedisStore
from tests.servers.redis_sets import running
from tests.stores.plans import log_in, present, sid

pytestmark = pytest.mark.workers

KINDS = pytest.mark.parametrize("kind", ["redis 8", "sentinel", "cluster"])


def run(code: str, url: str) -> None:
    """Run it with every warning on; one in a finaliser shows on stderr and nowhere else."""
    warnings = ["-W", "error", "-W", "ignore::DeprecationWarning"]
    result = subprocess.run(
        [sys.executable, *warnings, "-c", code, url],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert (result.returncode, result.stderr) == (0, "")


FORKING = """
import os, sys, threading
from gatepass.sessions import RotationKind
from gatepass.stores.redis import RedisStore
from tests.stores.plans import log_in, present, sid

store = RedisStore.from_url(sys.argv[1])
store.issue(log_in(session_id=sid("a")))
stop = threading.Event()
faults = []

def go_on():
    try:
        while not stop.is_set():
            assert not store.is_revoked(sid("a"), None)
            assert store.rotate(present(sid("a"), 99)).kind is RotationKind.UNKNOWN
    except BaseException as fault:
        faults.append(fault)

threads = [threading.Thread(target=go_on) for _ in range(4)]
for thread in threads:
    thread.start()
children = []
for number in range(6):
    child = os.fork()
    if child == 0:
        try:
            for step in range(50):
                name = sid(f"{number}.{step}", str(number))
                assert store.issue(log_in(str(number), session_id=name)) is not None
                assert [one.session_id for one in store.sessions(str(number))][:1] == [name]
                assert store.rotate(present(name)).kind is RotationKind.ROTATED
            store.revoke_token(sid(f"token {number}"))
            store.close()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
for thread in threads:
    thread.join()
assert faults == []
assert all(store.is_revoked(None, sid(f"token {number}")) for number in range(6))
store.close()
"""

ASYNC_FORKING = """
import asyncio, gc, os, sys
from gatepass.stores.redis import AsyncRedisStore
from tests.stores.plans import log_in, sid

store = AsyncRedisStore.from_url(sys.argv[1])

async def use(name):
    plans = [log_in(name) for _ in range(20)]
    assert all(await asyncio.gather(*map(store.issue, plans)))
    assert len(await store.sessions(name)) == 20

async def fork_within():
    await use("before")
    child = os.fork()
    if child == 0:
        os._exit(in_child())
    await use("meanwhile")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

def in_child():
    asyncio.events._set_running_loop(None)
    asyncio.run(use("child"))
    gc.collect()
    return 0

asyncio.run(use("first"))
child = os.fork()
asyncio.run(use("parent" if child else "other child"))
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
asyncio.run(fork_within())
asyncio.run(store.close())
gc.collect()
"""

LOOPS = """
import asyncio, gc, sys, threading
from gatepass.stores.redis import AsyncRedisStore
from tests.stores.plans import log_in

store = AsyncRedisStore.from_url(sys.argv[1])

async def use(name):
    assert all(await asyncio.gather(*(store.issue(log_in(name)) for _ in range(10))))
    assert not await store.is_revoked(None, "token")

for number in range(3):
    asyncio.run(use(f"run {number}"))
    gc.collect()

for number in range(3):  # closed without asking async generators to end
    loop = asyncio.new_event_loop()
    loop.run_until_complete(use(f"loop {number}"))
    loop.close()
    del loop
    asyncio.run(use(f"after {number}"))
    gc.collect()

threads = [threading.Thread(target=lambda: asyncio.run(use("thread"))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

async def cancelled():
    tasks = [asyncio.create_task(use("cancelled")) for _ in range(20)]
    await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await use("afterwards")

asyncio.run(cancelled())
asyncio.run(store.close())
del store
gc.collect()

async def forgotten():
    store = AsyncRedisStore.from_url(sys.argv[1])
    await store.subject_epoch("ada")

asyncio.run(forgotten())
gc.collect()
"""


@KINDS
def test_forked_children_have_connections_of_their_own(kind: str) -> None:
    run(FORKING, running(kind).url)


@KINDS
def test_forked_children_of_an_async_store_too(kind: str) -> None:
    run(ASYNC_FORKING, running(kind).url)


@KINDS
def test_one_event_loop_after_another_and_several_at_once(kind: str) -> None:
    run(LOOPS, running(kind).url)


def test_connections_are_bounded() -> None:
    servers = running("redis 8")
    client = servers.servers[0].client()
    store = AsyncRedisStore.from_url(servers.url)

    async def crowd() -> int:
        async def one(number: int) -> None:
            assert await store.issue(log_in(f"subject {number}")) is not None

        await asyncio.gather(*map(one, range(500)))
        return int(client.info("clients")["connected_clients"])

    before = int(client.info("clients")["connected_clients"])
    with asyncio.Runner() as runner:
        assert runner.run(crowd()) - before <= 64
        runner.run(store.close())


@pytest.mark.anyio
async def test_a_cancelled_caller_leaves_a_store_that_works() -> None:
    servers = running("redis 8")
    servers.flush()
    store = AsyncRedisStore.from_url(servers.url)
    await store.issue(log_in(session_id=sid("a")))

    tasks = [asyncio.create_task(store.rotate(present(sid("a")))) for _ in range(8)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(answer) for answer in answers} == {asyncio.CancelledError}
    fact = await store.rotate(present(sid("a"), 1))
    assert fact.kind in {RotationKind.ROTATED, RotationKind.AHEAD}
    await store.close()
