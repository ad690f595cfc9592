"""A server of their own for the tests that break it, and stores on it."""

from collections.abc import Iterator

import pytest

from gatepass.stores.sql import SqlStore
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import require_binaries
from tests.stores import broken
from tests.stores.broken import READS, outcomes
from tests.stores.postgres.broken_server import StoreTwin, closed, made
from tests.stores.postgres_backend import EMPTY
from tests.stores.twins import Runner


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server that these tests may do anything to."""
    server = PostgresServer(require_binaries())
    try:
        server.start()
        store = SqlStore.from_url(server.url)
        store.upgrade()
        store.close()
        yield server
    finally:
        server.end()


@pytest.fixture
def server(own_server: PostgresServer) -> PostgresServer:
    own_server.run(EMPTY)
    return own_server


@pytest.fixture
def store(twin: str, server: PostgresServer, runner: Runner) -> Iterator[StoreTwin]:
    """A store with sessions, not yet used."""
    broken.fill(server.url)
    store = made(twin, server.url)
    yield store
    closed(store, runner)


@pytest.fixture
def used(store: StoreTwin, runner: Runner) -> StoreTwin:
    """The store after it opened its connections."""
    answers = outcomes(store, runner, READS)
    assert answers["is_revoked"] is False
    assert answers["is_revoked, once more"] is True
    outcomes(store, runner, {"write": lambda store: store.revoke_token("before")})
    return store
