"""Replicas in forks, on one event loop after another, and in programs that soon end."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gatepass.revocations import AsyncReplica, Replica
from tests.budget import PATIENCE_S
from tests.revocations.worlds import (
    BACKENDS,
    empty_backend,
    open_store,
)
from tests.threads import ours

pytestmark = pytest.mark.workers

ROOT = Path(__file__).parents[2]
HEAD = """
import asyncio, os, sys, time
from gatepass.revocations import AsyncReplica, Replica
from tests.revocations.worlds import open_store
url = sys.argv[1]
"""


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest) -> str:
    return empty_backend(str(request.param))


async def until_fresh(replica: AsyncReplica) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await replica.fresh():  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.005)


def run(program: str, url: str) -> str:
    """What a program prints; it must end well by itself, and say nothing on its way out."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", HEAD + program, url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


FORKING = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
replica, store = Replica.from_url(url), open_store(url)
while not replica.fresh():
    time.sleep(0.01)
store.revoke_token("00before")
children = []
heard, say = os.pipe()
for number in range(3):
    child = os.fork()
    if child == 0:
        assert replica.is_revoked(None, "00before")
        while not replica.fresh():
            time.sleep(0.01)
        os.write(1, b"ready ")
        os.write(say, b"x")
        while not replica._denylist.is_held(None, "00after"):
            replica.fresh()
            time.sleep(0.01)
        os._exit(7)
    children.append(child)
for _ in children:
    os.read(heard, 1)
store.revoke_token("00after")
assert {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children} == {7}
while not (replica.is_revoked(None, "00after") and replica.fresh()):
    time.sleep(0.01)
replica.close()
store.close()
print("done")
"""


def test_forked_children_follow_the_log_by_themselves(url: str) -> None:
    assert run(FORKING, url).split().count("ready") == 3


FORKED_WITH_A_LOOP = """
replica = AsyncReplica.from_url(url)
async def until_fresh():
    while not await replica.fresh():
        await asyncio.sleep(0.01)
    return await replica.is_revoked(None, "00revoked")
async def main():
    await until_fresh()
    child = os.fork()
    return child
loop = asyncio.new_event_loop()
child = loop.run_until_complete(main())
if child == 0:
    fresh = asyncio.new_event_loop()
    asyncio._set_running_loop(None)
    os._exit(7 if fresh.run_until_complete(until_fresh()) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert loop.run_until_complete(until_fresh())
loop.run_until_complete(replica.close())
loop.close()
print("done")
"""


def test_a_child_forked_under_a_running_loop_follows_on_a_loop_of_its_own(url: str) -> None:
    store = open_store(url)
    store.revoke_token("00revoked")
    store.close()

    assert run(FORKED_WITH_A_LOOP, url) == "done\n"


def test_one_event_loop_after_another(url: str) -> None:
    store = open_store(url)
    replica = AsyncReplica.from_url(url)

    async def until_held(name: str) -> None:
        while not replica._denylist.is_held(None, name):
            assert not await replica.is_revoked(None, "00other")
            await asyncio.sleep(0.005)
        await until_fresh(replica)

    for number in range(4):
        store.revoke_token(f"0{number}token")
        asyncio.run(until_held(f"0{number}token"))
    asyncio.run(replica.close())
    store.close()


# What is open when a loop is closed like that nobody can close in order; Python says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_was_closed_with_everything_still_open(url: str) -> None:
    replica = AsyncReplica.from_url(url)

    abandoned = asyncio.new_event_loop()
    abandoned.run_until_complete(until_fresh(replica))
    for task in asyncio.all_tasks(abandoned):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    abandoned.close()
    replica._lease.lapse()

    asyncio.run(until_fresh(replica))
    asyncio.run(replica.close())
    del abandoned, task
    gc.collect()


def test_two_loops_at_the_same_time_share_what_one_of_them_reads(url: str) -> None:
    store = open_store(url)
    replica = AsyncReplica.from_url(url)
    ready, done = threading.Event(), threading.Event()

    async def follow() -> None:
        await until_fresh(replica)
        ready.set()
        await asyncio.to_thread(done.wait, PATIENCE_S)
        await replica.close()

    async def check() -> bool:
        return await replica.fresh() and not await replica.is_revoked(None, "00other")

    thread = threading.Thread(target=asyncio.run, args=(follow(),))
    thread.start()
    assert ready.wait(PATIENCE_S)
    assert asyncio.run(check())
    done.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    store.close()


def test_a_replica_that_nobody_keeps_stops_reading(url: str) -> None:
    of_others = ours()
    replica: Replica | None = Replica.from_url(url)
    assert replica is not None
    replica.start()
    threads = ours() - of_others
    assert threads

    del replica
    gc.collect()
    until = time.monotonic() + PATIENCE_S
    while any(thread.is_alive() for thread in threads):
        assert time.monotonic() < until
        time.sleep(0.01)
