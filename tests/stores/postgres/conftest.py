"""A server of their own for the tests that break it, and stores on it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.servers.postgres import PostgresServer
from tests.stores import outcomes
from tests.stores.postgres_backend import EMPTY, fragile_server
from tests.stores.twins import Runner, sql_store


@pytest.fixture
def server() -> PostgresServer:
    """A server that these tests may do anything to."""
    server = fragile_server()
    server.run(EMPTY)
    return server


@pytest.fixture
def at(twin: str, runner: Runner) -> Iterator[Callable[[str], Any]]:
    """Opens stores of one twin, which are closed in the end."""
    opened: list[Any] = []

    def store_at(url: str) -> Any:
        opened.append(sql_store(twin, runner, url))
        return opened[-1]

    yield store_at
    for store in opened:
        store.close()


@pytest.fixture
def store(server: PostgresServer, at: Callable[[str], Any]) -> Any:
    """A store with sessions, not yet used."""
    outcomes.fill(server.url)
    return at(server.url)


@pytest.fixture
def used(store: Any) -> Any:
    """The store after it opened its connections."""
    return outcomes.used(store)
