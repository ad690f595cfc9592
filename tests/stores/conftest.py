"""Every store in both twins; one file and one clock per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.sessions import Session, Store
from tests.servers.redis_sets import VERSIONS
from tests.stores.plans import Clock, log_in
from tests.stores.postgres_backend import postgres_store
from tests.stores.redis_backends import KINDS, redis_store
from tests.stores.twins import Runner, memory_store, sqlite_store


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the versions that stores of Redis ran on."""
    for name, version in VERSIONS.items():
        terminalreporter.write_line(f"{name}: {version}")


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


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def store_on(where: str, twin: str, runner: Runner, url: str, clock: Clock) -> Store:
    """A store on an empty database; the URL is that of a SQLite file."""
    if where == "memory":
        return memory_store(twin, runner, clock)
    if where == "sqlite":
        return sqlite_store(twin, runner, url, clock)
    if where == "postgres":
        return postgres_store(twin, runner, clock)
    return redis_store(where, twin, runner, clock)


@pytest.fixture(params=["memory", "sqlite", "postgres", *KINDS])
def store(
    request: pytest.FixtureRequest, twin: str, runner: Runner, clock: Clock, url: str
) -> Iterator[Store]:
    store = store_on(str(request.param), twin, runner, url, clock)
    yield store
    store.close()


@pytest.fixture
def sqlite(twin: str, runner: Runner, clock: Clock, url: str) -> Iterator[Store]:
    store = sqlite_store(twin, runner, url, clock)
    yield store
    store.close()


@pytest.fixture
def session(store: Store) -> Session:
    session = store.issue(log_in())
    assert session is not None
    return session


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
