"""PostgreSQL for the suites that run over every store: one database, empty before each test."""

import atexit
from collections.abc import Callable
from functools import cache

from gatepass.sessions import Store
from gatepass.stores.sql import SqlStore
from tests.servers.postgres import PostgresServer, empty_database, shared_server
from tests.servers.postgres_binaries import require_binaries
from tests.stores.twins import Runner, sql_store

DATABASE = "contract"

EMPTY = """
SET synchronous_commit = off;
DELETE FROM gatepass_sessions;
DELETE FROM gatepass_opaque_tokens;
DELETE FROM gatepass_subjects;
DELETE FROM gatepass_accounts;
DELETE FROM gatepass_revocations;
DELETE FROM gatepass_limits;
UPDATE gatepass_meta
  SET longest_access_ms = 0, epoch_of_all = 0, raised_ms = 0, raised_epoch = 0;
"""


def make_tables(url: str) -> str:
    """The same URL, once the tables of this release are there."""
    store = SqlStore.from_url(url)
    store.upgrade()
    store.close()
    return url


@cache
def database_url() -> str:
    """The URL of the database, with the tables of this release and whatever is in them."""
    return make_tables(empty_database(DATABASE))


@cache
def _fragile() -> PostgresServer:
    server = PostgresServer(require_binaries(), max_notify_queue_pages="64")
    atexit.register(server.end)
    server.start()
    make_tables(server.url)
    return server


def fragile_server() -> PostgresServer:
    """The server that tests may stop, freeze and kill: one for a run, never the shared one."""
    server = _fragile()
    if not server.is_up():  # after a test that failed
        server.start()
    return server


def empty_url() -> str:
    """The URL of the database, with the tables of this release and nothing in them."""
    url = database_url()
    shared_server().run(EMPTY, database=DATABASE)
    return url


def postgres_store(twin: str, runner: Runner, clock: Callable[[], float] | None = None) -> Store:
    """A store on the empty database."""
    return sql_store(twin, runner, empty_url(), clock)


def backends(name: str) -> set[int]:
    """The server's processes for connections of this name."""
    rows = shared_server().run(
        f"SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'"  # noqa: S608
    )
    return {pid for (pid,) in rows}
