"""How the tables in PostgreSQL come to be: migrations, schemas, and neighbours in the database."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from gatepass.errors import StoreOutdated, StoreUnavailable
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore, metadata, tables
from gatepass.stores.sql.engines import engine_of
from gatepass.stores.sql.revisions import find_revision
from tests.servers.postgres import empty_database
from tests.stores.outcomes import OPERATIONS
from tests.stores.plans import log_in, present
from tests.stores.postgres_backend import empty_url
from tests.stores.twins import Runner, sql_store

ROOT = Path(__file__).parents[3]

UPGRADE_AND_ISSUE = """
import sys
from gatepass.stores.sql import SqlStore
from tests.stores.plans import log_in, present
store = SqlStore.from_url(sys.argv[1])
sys.stdin.read(1)
store.upgrade()
assert store.issue(log_in(session_id=sys.argv[2])) is not None
store.close()
"""


@pytest.fixture
def url() -> str:
    """A database with nothing in it."""
    return empty_database("schemas")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = engine_of(url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(twin: str, url: str, runner: Runner) -> Iterator[Any]:
    store: Any = sql_store(twin, runner, url)
    yield store
    store.close()


@pytest.mark.workers
def test_six_processes_upgrade_one_new_database(url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE_AND_ISSUE, url, f"session {number}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
        )
        for number in range(6)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.close()

    assert [process.wait(60) for process in processes] == [0] * 6
    store = SqlStore.from_url(url)
    assert len(store.sessions("ada")) == 6
    store.close()


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_the_migrations_make_what_the_metadata_says(store: Any, engine: Engine) -> None:
    store.upgrade()
    store.upgrade()

    options = {
        "version_table": tables.VERSION_TABLE,
        # the log's `xid` is no column of other databases
        "include_object": lambda _, name, *__: name not in {"xid", "gatepass_revocations_xid_seq"},
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == tables.HEAD


def test_every_operation_names_the_command_when_the_tables_are_missing(
    store: Any, url: str
) -> None:
    for operation in OPERATIONS.values():
        with pytest.raises(StoreUnavailable, match="run `gatepass db upgrade`"):
            operation(store)
    assert not find_revision(url).is_current


@pytest.mark.parametrize(
    ("revision", "sentence"),
    [("v9999", "newer release"), ("0001", "start anew"), ("0009", "start anew")],
)
def test_every_operation_refuses_tables_that_nothing_upgrades(
    store: Any, url: str, revision: str, sentence: str
) -> None:
    store.upgrade()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE gatepass_alembic_version SET version_num = %s", (revision,))

    for operation in OPERATIONS.values():
        with pytest.raises(StoreOutdated, match=sentence):
            operation(store)
    with pytest.raises(StoreOutdated, match=sentence):
        store.upgrade()
    assert not find_revision(url).is_current


def test_a_store_that_was_refused_works_once_the_tables_are_there(store: Any, url: str) -> None:
    with pytest.raises(StoreUnavailable):
        store.subject_epoch("ada")
    other = SqlStore.from_url(url)
    other.upgrade()
    other.close()

    assert store.issue(log_in()) is not None
    assert find_revision(url).is_current


def test_an_interrupted_upgrade_leaves_nothing_half_made(
    url: str, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(_: int) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("secrets.token_hex", cut_short)
        with pytest.raises(StoreUnavailable):
            store.upgrade()

    assert find_revision(url).found is None
    with psycopg.connect(url) as connection:
        assert (
            connection.execute("SELECT 1 FROM pg_class WHERE relname ~ 'gatepass'").fetchall() == []
        )
    store.upgrade()
    assert store.issue(log_in()) is not None


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
        connection.execute("ALTER FUNCTION gatepass_epoch RENAME TO gatepass_epoch_away")
    try:
        with pytest.raises(StoreUnavailable, match="run `gatepass db upgrade`"):
            store.subject_epoch("ada")
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("ALTER FUNCTION gatepass_epoch_away RENAME TO gatepass_epoch")
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
