"""Short transactions beside a store's own, as the server keeps accounts."""

import os
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import IntegrityError

from gatepass.errors import StoreUnavailable
from gatepass.stores.sql import SqlStore, tables
from gatepass.stores.sql.transactions import durable_transaction, pooled_engine_of
from tests.budget import require_short
from tests.servers.postgres import PostgresServer
from tests.stores.outcomes import LIMIT_S

ADA = {
    "subject": "ada",
    "username": "ada",
    "password_hash": "none",
    "disabled": False,
    "created_ms": 0,
    "updated_ms": 0,
}


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, server: PostgresServer, url: str) -> Iterator[Engine]:
    url = server.url if request.param == "postgres" else url
    store = SqlStore.from_url(url)
    store.upgrade()
    store.close()
    engine = pooled_engine_of(url)
    yield engine
    engine.dispose()


def names(engine: Engine) -> list[str]:
    with durable_transaction(engine) as connection:
        return list(connection.scalars(select(tables.accounts.c.username)))


def test_a_block_is_one_transaction(engine: Engine) -> None:
    with durable_transaction(engine) as connection:
        connection.execute(insert(tables.accounts).values(ADA))
    with suppress(LookupError), durable_transaction(engine) as connection:
        connection.execute(tables.accounts.delete())
        raise LookupError

    assert names(engine) == ["ada"]


def test_a_row_that_a_constraint_refuses_is_told_apart_from_an_outage(engine: Engine) -> None:
    with durable_transaction(engine) as connection:
        connection.execute(insert(tables.accounts).values(ADA))

    with pytest.raises(IntegrityError), durable_transaction(engine) as connection:
        connection.execute(insert(tables.accounts).values(ADA | {"subject": "eve"}))


@pytest.fixture
def postgres(server: PostgresServer) -> Iterator[Engine]:
    engine = pooled_engine_of(server.url.replace("gate@", "gate:hunter2@"))
    yield engine
    engine.dispose()


def test_commits_wait_for_the_disk_where_the_database_would_not(
    server: PostgresServer, postgres: Engine
) -> None:
    server.run("ALTER DATABASE postgres SET synchronous_commit = off")
    try:
        with durable_transaction(postgres) as connection:
            found = connection.scalar(text("SHOW synchronous_commit"))
    finally:
        server.run("ALTER DATABASE postgres RESET synchronous_commit")

    assert found == "on"


@pytest.mark.parametrize("is_used", [False, True])
def test_a_frozen_server_is_not_waited_for(
    server: PostgresServer, postgres: Engine, *, is_used: bool
) -> None:
    if is_used:
        names(postgres)
    with server.frozen():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as outage:
            names(postgres)
        require_short(time.monotonic() - began, LIMIT_S + 0.5)

    assert "hunter2" not in "".join(traceback.format_exception(outage.value))
    assert names(postgres) == []


def test_a_restart_is_not_noticed(server: PostgresServer, postgres: Engine) -> None:
    names(postgres)
    server.stop()
    server.start()

    assert names(postgres) == []


def test_a_lock_is_not_waited_for_long(server: PostgresServer, postgres: Engine) -> None:
    with server.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE gatepass_accounts")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            names(postgres)
        require_short(time.monotonic() - began, LIMIT_S)


def test_a_forked_child_makes_connections_of_its_own(
    server: PostgresServer, postgres: Engine
) -> None:
    names(postgres)
    child = os.fork()
    if child == 0:
        try:
            code = int(names(postgres) != [])
        except BaseException:  # noqa: BLE001 - told by the exit code
            code = 2
        os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert names(postgres) == []
    assert server.run("SELECT 1") == [(1,)]
