"""Forks after use, as servers with workers make them: nobody shares a connection."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.servers.programs import program_of
from tests.stores.postgres_backend import backends, empty_url

ROOT = Path(__file__).parents[3]


@pytest.fixture
def url() -> str:
    return empty_url()


FORKING = """
import os, sys, threading
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.stores.plans import log_in, present

store = SqlStore.from_url(sys.argv[1])
store.issue(log_in(session_id="a"))
stop = threading.Event()

def read_on():
    while not stop.is_set():
        assert not store.is_revoked("a", None)

threads = [threading.Thread(target=read_on) for _ in range(3)]
for thread in threads:
    thread.start()
children = []
for number in range(6):
    child = os.fork()
    if child == 0:
        try:
            assert store.issue(log_in(f"subject {number}", session_id=f"child {number}"))
            assert store.rotate(present(f"child {number}")).kind is RotationKind.ROTATED
            store.revoke_token(f"token {number}")
            assert store.is_revoked(None, f"token {number}")
            store.close()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    children.append(child)
    assert not store.is_revoked("a", None)
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
for thread in threads:
    thread.join()
assert not store.is_revoked("a", None)
store.close()
"""


def test_forked_children_have_connections_of_their_own(url: str) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, url]

    subprocess.run(command, check=True, timeout=60, cwd=ROOT)

    store = SqlStore.from_url(url)
    assert all(store.is_revoked(None, f"token {number}") for number in range(6))
    store.close()


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


def test_a_childs_life_keeps_no_session_of_its_parent_alive(url: str) -> None:
    command = [sys.executable, "-c", PREFORK, f"{url}?application_name=prefork"]
    with program_of(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        said = {parent.stdout.readline().strip() for _ in range(2)}
        [child] = [int(word) for word in said - {"ready"}]
        both = backends("prefork")
        parent.kill()
        parent.wait()
        until = time.monotonic() + PATIENCE_S
        while len(left := backends("prefork")) == 2:
            assert time.monotonic() < until
            time.sleep(0.02)
        subprocess.run(["kill", str(child)], check=True)

    assert len(both) == 2
    assert len(left) == 1
    assert left < both


ASYNC_FORKING = """
import asyncio, os, sys
from gatepass.stores.sql import AsyncSqlStore
from tests.stores.plans import log_in

store = AsyncSqlStore.from_url(sys.argv[1])

async def use(name):
    assert await store.issue(log_in(name, session_id=name)) is not None
    assert not await store.is_revoked(name, None)
    await store.revoke_token(name)

asyncio.run(use("before"))
child = os.fork()
asyncio.run(use("parent" if child else "child"))
asyncio.run(store.close())
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_forked_async_store_has_connections_of_its_own(url: str) -> None:
    subprocess.run(
        [sys.executable, "-W", "error", "-c", ASYNC_FORKING, url], check=True, timeout=60, cwd=ROOT
    )

    store = SqlStore.from_url(url)
    assert all(store.is_revoked(None, name) for name in ("before", "parent", "child"))
    store.close()
