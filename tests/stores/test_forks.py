"""Stores across forks and event loops: no connection is shared, nothing hangs or leaks."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S
from tests.servers.programs import program_of
from tests.servers.redis_sets import running
from tests.stores.postgres_backend import backends, empty_url
from tests.stores.twins import Runner, until

ROOT = Path(__file__).parents[2]
REDIS = ("redis 8", "sentinel", "cluster")


@pytest.fixture(
    params=[
        "sqlite",
        *(
            pytest.param(kind, marks=pytest.mark.workers)
            for kind in ("postgres", "redis 8", "sentinel", "cluster")
        ),
    ]
)
def target(request: pytest.FixtureRequest, url: str) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return url
    if request.param == "postgres":
        return empty_url()
    running(request.param).flush()
    return running(request.param).url


PATIENT = """
from tests.budget import patience
is_patient = patience()
is_patient.__enter__()
"""


def run(code: str, *arguments: str) -> None:
    """Run it with every warning on; one in a finaliser shows on stderr and nowhere else."""
    warnings = ["-W", "error", "-W", "ignore::DeprecationWarning"]
    result = subprocess.run(
        [sys.executable, *warnings, "-c", PATIENT + code, *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_S,
        cwd=ROOT,
    )
    assert (result.returncode, result.stderr) == (0, "")


FORKING = """
import os, sys, threading
from gatepass.revocations import replica_of
from gatepass.sessions import RotationKind
from tests.stores.outcomes import store_of
from tests.stores.plans import log_in, present, sid

store = store_of(sys.argv[1])
replica = replica_of(store) if sys.argv[1].startswith("sqlite") else store
store.issue(log_in(session_id=sid("a")))
stop = threading.Event()
faults = []

def go_on():
    try:
        while not stop.is_set():
            assert not store.is_revoked(sid("a"), None)
            assert not replica.is_revoked(sid("a"), None)
            assert store.rotate(present(sid("a"), 99)).kind is RotationKind.UNKNOWN
    except BaseException as fault:
        faults.append(fault)

def revoke(what):
    store.revoke_token(sid(what))
    assert replica.is_revoked(None, sid(what)) and store.is_revoked(None, sid(what))

threads = [threading.Thread(target=go_on) for _ in range(4)]
for thread in threads:
    thread.start()
children = []
for number in range(6):
    gate, opener = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            revoke(f"early {number}")
            os.read(gate, 1)  # until the parent has closed everything
            for step in range(20):
                name = sid(f"{number}.{step}", str(number))
                assert store.issue(log_in(str(number), session_id=name)) is not None
                assert name in [one.session_id for one in store.sessions(str(number))]
                assert store.rotate(present(name)).kind is RotationKind.ROTATED
            revoke(f"late {number}")
            store.close()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    children.append((child, opener))
    assert not replica.is_revoked(sid("a"), None)
stop.set()
for thread in threads:
    thread.join()
assert faults == []
store.close()
for _, opener in children:
    os.write(opener, b"x")
for child, _ in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
store = store_of(sys.argv[1])
for number in range(6):
    assert store.is_revoked(None, sid(f"early {number}"))
    assert store.is_revoked(None, sid(f"late {number}"))
store.close()
"""


def test_forked_children_share_nothing_but_the_database(target: str) -> None:
    run(FORKING, target)


ASYNC = """
import asyncio, gc, os, sys, threading
from tests.stores.outcomes import async_store_of
from tests.stores.plans import log_in, sid

store = async_store_of(sys.argv[1])

async def use(name):
    plans = [log_in(name) for _ in range(10)]
    assert all(await asyncio.gather(*map(store.issue, plans)))
    assert len(await store.sessions(name)) == 10
    await store.revoke_token(sid(name))
    assert await store.is_revoked(None, sid(name))
"""
FORKED = """
def in_child():
    asyncio.events._set_running_loop(None)
    asyncio.run(use("child"))
    gc.collect()
    return 0

async def fork_within():
    await use("before")
    child = os.fork()
    if child == 0:
        os._exit(in_child())
    await use("meanwhile")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

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


def test_forked_children_of_an_async_store_have_connections_of_their_own(target: str) -> None:
    run(ASYNC + FORKED, target)


LOOPS = """
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

threads = [threading.Thread(target=lambda n=n: asyncio.run(use(f"thread {n}"))) for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

async def cancelled():
    tasks = [asyncio.create_task(use(f"cancelled {number}")) for number in range(20)]
    await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await use("afterwards")

asyncio.run(cancelled())
asyncio.run(store.close())
del store
gc.collect()
"""
FORGOTTEN = """
async def forgotten():
    store = async_store_of(sys.argv[1])
    await store.subject_epoch("ada")

asyncio.run(forgotten())
gc.collect()
"""


def test_one_event_loop_after_another_and_several_at_once(target: str) -> None:
    # psycopg itself warns of a connection that nobody closed
    run(ASYNC + LOOPS + (FORGOTTEN if "postgres" not in target else ""), target)


PREFORK = """
import os, signal, sys
from gatepass.stores.sql import SqlStore
from tests.stores.plans import log_in

store = SqlStore.from_url(sys.argv[1])
store.issue(log_in(session_id="a"))
child = os.fork()
if child == 0:
    assert not store.is_revoked("a", None)
    print("ready", flush=True)
    signal.pause()
assert not store.is_revoked("a", None)
print(child, flush=True)
sys.stdin.read(1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_childs_life_keeps_no_session_of_its_parent_alive(runner: Runner) -> None:
    command = [sys.executable, "-c", PREFORK, f"{empty_url()}?application_name=prefork"]
    with program_of(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        said = {parent.stdout.readline().strip() for _ in range(2)}
        [child] = [int(word) for word in said - {"ready"}]
        both = backends("prefork")
        parent.kill()
        parent.wait()
        until(lambda: len(backends("prefork")) < 2, runner)
        left = backends("prefork")
        subprocess.run(["kill", str(child)], check=True)

    assert len(both) == 2
    assert len(left) == 1
    assert left < both


MAKING_STORES = """
import os, threading, time
from gatepass._forks import ForkAware, watch_forks

told = []

class Holder(ForkAware):
    def __init__(self, name):
        self.name = name

    def before_fork(self):
        told.append(("before", self.name))
        if self.name == "first" and not other.ident:
            other.start()
            time.sleep(0.1)

    def after_fork(self, *, in_child):
        told.append(("after", self.name))

def make():
    watch_forks(late)

first, late = Holder("first"), Holder("late")
other = threading.Thread(target=make)
watch_forks(first)
child = os.fork()
if child == 0:
    os._exit(told != [("before", "first"), ("after", "first")])
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
other.join(120)
assert not other.is_alive()
assert told == [("before", "first"), ("after", "first")]
if os.fork() == 0:
    os._exit(0)
assert ("before", "late") in told and ("after", "late") in told
"""


def test_store_made_while_another_thread_forks() -> None:
    run(MAKING_STORES)
