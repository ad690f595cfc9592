"""A store that nobody closes: its last reference closes what it opened."""

import gc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S
from tests.stores.conftest import store_on
from tests.stores.plans import Clock, log_in, present
from tests.stores.twins import Runner
from tests.threads import ours


@pytest.fixture(autouse=True)
def no_collector(runner: Runner) -> Iterator[None]:
    """Nothing but references closes; the loop of the runner is there from the first."""
    runner.get_loop()
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def open_files(url: str) -> list[Path]:
    file = url.removeprefix("sqlite:///")
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(each.readlink())
    return [each for each in found if str(each).startswith(file)]


def use(twin: str, runner: Runner, url: str) -> list[Path]:
    store = store_on("sqlite", twin, runner, url, Clock())
    session = store.issue(log_in())
    assert session is not None
    store.rotate(present(session.session_id))
    store.is_revoked(session.session_id, None)
    return open_files(url)


def test_a_dropped_store_leaves_no_descriptor(twin: str, runner: Runner, url: str) -> None:
    of_others = ours()
    for _ in ("a new file", "a known one"):
        assert use(twin, runner, url)
        for thread in ours() - of_others:  # they end by themselves
            thread.join(PATIENCE_S)
        assert open_files(url) == []
