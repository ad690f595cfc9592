"""The first use of a file that others lock again and again."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Session
from tests.budget import LONG, require_short
from tests.servers.programs import program_of
from tests.stores.outcomes import LIMIT_S
from tests.stores.plans import log_in
from tests.stores.twins import Runner, sqlite_store

LOCKS_AGAIN_AND_AGAIN = """
import sqlite3, sys, time
other = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
while True:
    other.execute("BEGIN EXCLUSIVE")
    print("locked", flush=True)
    time.sleep(1.5)
    other.execute("COMMIT")
    time.sleep(0.11)
"""


@pytest.fixture
def lock_thief(path: Path) -> Iterator[None]:
    """A process that has the lock, but for moments in which the next step comes through."""
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE others (id)")
    made.close()
    command = [sys.executable, "-c", LOCKS_AGAIN_AND_AGAIN, str(path)]
    with program_of(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield


@pytest.mark.usefixtures("lock_thief")
def test_lock_stolen_again_between_the_steps_of_a_first_use(
    twin: str, url: str, runner: Runner
) -> None:
    for _ in range(1 + 3 * (LONG > 0)):
        store = sqlite_store(twin, runner, url)
        began = time.monotonic()
        try:
            answer: object = store.issue(log_in())
        except StoreUnavailable as error:
            answer = error
        require_short(time.monotonic() - began, LIMIT_S)
        assert isinstance(answer, Session | StoreUnavailable)
        store.close()
