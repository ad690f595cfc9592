"""PostgreSQL for the suites that run over every store: one database, empty before each test."""

from collections.abc import Callable
from functools import cache
from typing import Any

from gatepass.sessions import Store
from gatepass.stores.sql import SqlStore
from tests.servers.postgres import empty_database, shared_server
from tests.stores.plans import log_in, present
from tests.stores.twins import Runner, sql_store

DATABASE = "contract"

EMPTY = """
SET synchronous_commit = off;
DELETE FROM gatepass_sessions;
DELETE FROM gatepass_opaque_tokens;
DELETE FROM gatepass_subjects;
DELETE FROM gatepass_accounts;
DELETE FROM gatepass_revocations;
UPDATE gatepass_meta SET longest_access_ms = 0, epoch_of_all = 0;
"""


OPERATIONS: list[Callable[[Any], Any]] = [
    lambda store: store.issue(log_in()),
    lambda store: store.rotate(present("a")),
    lambda store: store.is_revoked("a", "token"),
    lambda store: store.revoke_session("a", reason="log-out"),
    lambda store: store.revoke_token("token"),
    lambda store: store.revoke_subject("ada", reason="log-out"),
    lambda store: store.revoke_all(reason="restore"),
    lambda store: store.sessions("ada"),
    lambda store: store.subject_epoch("ada"),
    lambda store: store.find_opaque("00"),
    lambda store: store.purge(),
]
"""Every operation of a store, on names that some tests give."""


@cache
def _url() -> str:
    url = empty_database(DATABASE)
    store = SqlStore.from_url(url)
    store.upgrade()
    store.close()
    return url


def empty_url() -> str:
    """The URL of the database, with the tables of this release and nothing in them."""
    url = _url()
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
