"""A program without a file descriptor left: nobody is let in, and it is told as an outage."""

import subprocess
import sys
from pathlib import Path

import pytest

from gatepass.stores.sql import SqlStore
from tests.revocations.worlds import empty_backend, open_store

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, inspect, os, resource, sys, time
from gatepass.errors import StoreUnavailable
from gatepass.revocations import replica_of
from tests.revocations.worlds import open_store
from gatepass.stores.redis import AsyncRedisStore
from gatepass.stores.sql import AsyncSqlStore

url, twin = sys.argv[1:]
with asyncio.Runner() as runner:
    runner.get_loop()
    if twin == "sync":
        store = open_store(url)
    else:
        store = (AsyncRedisStore if url.startswith("redis") else AsyncSqlStore).from_url(url)
    replica = replica_of(store)

    def call(function, *values):
        found = function(*values)
        return runner.run(found) if inspect.iscoroutine(found) else found

    def verdicts():
        found = []
        for name in ("00revoked", "00other"):
            try:
                found.append(call(replica.is_revoked, None, name))
            except StoreUnavailable:
                found.append("down")
        return found

    free = os.dup(0)
    os.close(free)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    told = [verdicts(), verdicts()]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    until = time.monotonic() + 120
    while "down" in (last := verdicts()) and time.monotonic() < until:
        runner.run(asyncio.sleep(0.02))
    call(replica.close)
    call(store.close)
print(told + [last])
"""


@pytest.mark.parametrize("twin", ["sync", "async"])
@pytest.mark.parametrize("backend", ["sqlite", "postgres", "redis 8"])
def test_a_copy_that_cannot_be_begun_lets_nobody_in_and_heals(
    backend: str, twin: str, path: Path
) -> None:
    if backend == "sqlite":
        url = f"sqlite:///{path}"
        SqlStore.from_url(url).close()
    else:
        url = empty_backend(backend)
    store = open_store(url)
    store.revoke_token("00revoked")
    store.close()

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, twin],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    down = ["down", "down"]
    assert done.stdout.split("\n")[-2] == str([down, down, [True, False]])
