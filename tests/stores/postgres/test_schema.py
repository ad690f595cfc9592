"""Tables in PostgreSQL that are missing, locked, or change while a store is in use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.revisions import find_revision
from tests.servers.postgres import empty_database
from tests.stores.outcomes import OPERATIONS
from tests.stores.plans import log_in, present
from tests.stores.postgres_backend import empty_url
from tests.stores.twins import Runner, sql_store

ROOT = Path(__file__).parents[3]


@pytest.fixture
def url() -> str:
    """A database with nothing in it."""
    return empty_database("schemas")


@pytest.fixture
def store(twin: str, url: str, runner: Runner) -> Iterator[Any]:
    store: Any = sql_store(twin, runner, url)
    yield store
    store.close()


def test_every_operation_names_the_command_when_the_tables_are_missing(
    store: Any, url: str
) -> None:
    for operation in OPERATIONS.values():
        with pytest.raises(StoreUnavailable, match="run `gatepass db upgrade`"):
            operation(store)
    assert not find_revision(url).is_current


def test_a_store_that_was_refused_works_once_the_tables_are_there(store: Any, url: str) -> None:
    with pytest.raises(StoreUnavailable):
        store.subject_epoch("ada")
    other = SqlStore.from_url(url)
    other.upgrade()
    other.close()

    assert store.issue(log_in()) is not None
    assert find_revision(url).is_current


def test_an_upgrade_waits_for_another_no_longer_than_it_may(url: str, store: Any) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(7449363239834329448)")
        connection.execute("SELECT set_config('lock_timeout', '1', false)")
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("ALTER ROLE gate SET lock_timeout = '50ms'")
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    "gatepass.stores.sql.postgres.migrate._LIMITS",
                    "SELECT set_config('lock_timeout', '50', true)",
                )
                with pytest.raises(StoreUnavailable, match="locked"):
                    store.upgrade()
        finally:
            with psycopg.connect(url, autocommit=True) as owner:
                owner.execute("ALTER ROLE gate RESET lock_timeout")

    store.upgrade()


def test_tables_that_go_while_a_store_runs_are_told_too() -> None:
    url = empty_url()
    store = SqlStore.from_url(url)
    store.subject_epoch("ada")
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE gatepass_subjects RENAME TO gatepass_away")
    try:
        with pytest.raises(StoreUnavailable, match="run `gatepass db upgrade`"):
            store.subject_epoch("ada")
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("ALTER TABLE gatepass_away RENAME TO gatepass_subjects")
    assert store.subject_epoch("ada") == 0
    store.close()


def test_a_statement_whose_plan_went_with_a_migration_is_asked_again(
    twin: str, runner: Runner
) -> None:
    url = empty_url()
    store = sql_store(twin, runner, url)
    store.issue(log_in(session_id="a"))
    assert len(store.sessions("ada")) == 1
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE gatepass_sessions ALTER device TYPE varchar(200)")
    try:
        assert len(store.sessions("ada")) == 1
        assert store.rotate(present("a")).kind is RotationKind.ROTATED
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("ALTER TABLE gatepass_sessions ALTER device TYPE text")
    store.close()
