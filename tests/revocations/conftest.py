"""A SQLite store with its replica, in both twins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.sessions import Revocations, Store
from tests.stores.plans import Clock
from tests.stores.twins import Runner, replica_on, sqlite_store


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gate.db"


@pytest.fixture(params=["sync", "async"])
def store(
    request: pytest.FixtureRequest, runner: Runner, path: Path, clock: Clock
) -> Iterator[Store]:
    store = sqlite_store(str(request.param), runner, f"sqlite:///{path}", clock)
    yield store
    store.close()


@pytest.fixture
def replica(store: Store, runner: Runner) -> Revocations:
    replica: Revocations = replica_on(store, runner)
    return replica


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
