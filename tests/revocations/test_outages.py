"""Databases that die, freeze, come back, or come back empty, under a replica of either twin."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_now
from gatepass.revocations.staleness import WhenStale
from gatepass.stores.sql import SqlStore
from tests.budget import require_short
from tests.revocations.worlds import World
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import require_binaries
from tests.servers.redis_sets import start_alone
from tests.stores.twins import Runner

pytestmark = pytest.mark.faults

NUMBERS = count()
Make = Callable[..., World]


class Database(Protocol):
    """A database of the test's own."""

    url: str

    def kill(self) -> None: ...
    def start(self) -> object: ...
    def frozen(self) -> AbstractContextManager[None]: ...
    def empty(self) -> None:
        """Lose everything, as if a new one had taken the place of the old."""


class Postgres:
    """A database of its own on a server that may be killed."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.server = server
        server.run(f"CREATE DATABASE {name}")
        self.name = name
        self.url = server.url_of(name)
        self.kill, self.start, self.frozen = server.kill, server.start, server.frozen
        self._make()

    def _make(self) -> None:
        store = SqlStore.from_url(self.url)
        store.upgrade()
        store.close()

    def empty(self) -> None:
        self.server.run("DROP SCHEMA public CASCADE", database=self.name)
        self.server.run("CREATE SCHEMA public", database=self.name)
        self._make()


class Redis:
    def __init__(self, folder: Path) -> None:
        [self.server] = start_alone("redis 8", folder).servers
        self.url = self.server.url

    def kill(self) -> None:
        self.server.kill()

    def start(self) -> object:
        return self.server.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.server.freeze()
        yield
        self.server.thaw()

    def empty(self) -> None:
        self.server.client().flushall()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer(require_binaries(), fsync="off")
    server.start()
    yield server
    server.end()


@pytest.fixture(params=["postgres", "redis"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "redis":
        redis = Redis(tmp_path)
        yield redis
        redis.server.stop()
    else:
        server: PostgresServer = request.getfixturevalue("server")
        if not is_up(server):
            server.start()
        yield Postgres(server, f"outage_{next(NUMBERS)}")


def is_up(server: PostgresServer) -> bool:
    try:
        server.connect().close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest, database: Database, runner: Runner) -> Iterator[Make]:
    made: list[World] = []

    def world(**options: Any) -> World:
        made.append(World(database.url, str(request.param), runner, **options))
        world = made[-1]
        world.elsewhere.revoke_token("00held")
        world.until_fresh()
        world.until(lambda: world.inner._denylist.is_held(None, "00held"))
        return world

    yield world
    for each in made:
        each.close()


def test_while_the_database_is_down_nobody_is_let_in_and_then_it_heals(
    make: Make, database: Database
) -> None:
    world = make(max_staleness=0.5)
    database.kill()
    world.until(lambda: not world.inner.status().is_fresh)

    with pytest.raises(StoreUnavailable):
        world.replica.is_revoked(None, "00other")
    assert world.replica.is_revoked(None, "00held")
    status = world.inner.status()
    assert status.stale_for.keys() == status.down_for.keys() == {"log"}
    assert status.why_down
    database.start()
    world.until_fresh()
    assert not world.replica.is_revoked(None, "00other")
    assert world.inner.status().losses == 0


def test_a_frozen_database_is_noticed_within_the_staleness(make: Make, database: Database) -> None:
    world = make(max_staleness=0.5)

    with database.frozen():
        frozen = time.monotonic()
        world.until(lambda: not world.inner.status().is_fresh)
        require_short(time.monotonic() - frozen, 1)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            world.replica.is_revoked(None, "00other")
        require_short(time.monotonic() - began, 2.5)
    world.until_fresh()


def test_where_stale_copies_deny_the_store_is_not_asked(make: Make, database: Database) -> None:
    world = make(max_staleness=0.5, when_stale=WhenStale.DENY)
    with database.frozen():
        world.until(lambda: not world.inner.status().is_fresh)
        world.until(lambda: steady_now() > world.inner._state.wait_until)

        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="out of date"):
            world.replica.is_revoked(None, "00other")
        require_short(time.monotonic() - began, 0.2)
        assert world.replica.is_revoked(None, "00held")


def test_where_stale_copies_let_in_only_what_is_held_is_refused(
    make: Make, database: Database
) -> None:
    world = make(max_staleness=0.5, when_stale=WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED)
    database.kill()
    world.until(lambda: not world.inner.status().is_fresh)

    assert not world.replica.is_revoked(None, "00other")
    assert world.replica.is_revoked(None, "00held")
    assert world.inner.status().fails_open


def test_a_store_that_comes_back_empty_un_revokes_nothing_and_raises_the_alarm(
    make: Make, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    world = make()
    with caplog.at_level(logging.WARNING):
        database.empty()
        world.until(lambda: world.inner.status().losses)
        world.until_fresh()

    assert world.replica.is_revoked(None, "00held")
    assert "the store has lost revocations" in caplog.text
    world.elsewhere.revoke_token("00later")
    world.until(lambda: world.inner._denylist.is_held(None, "00later"))


def test_what_was_revoked_while_it_could_not_be_read_is_held_once_it_can(
    make: Make, database: Database
) -> None:
    world = make(max_staleness=0.5)
    for late in ("01late", "02late", "03late"):
        database.kill()
        world.until(lambda: not world.inner.status().is_fresh)
        database.start()
        world.elsewhere.revoke_token(late)
        world.until(partial(world.inner._denylist.is_held, None, late))
        world.until_fresh()
    assert world.inner.status().entries == 4
