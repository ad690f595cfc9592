"""How the tables come to be: once, all or none, and never against a newer release."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from gatepass.errors import StoreOutdated, StoreUnavailable
from gatepass.stores import sql
from gatepass.stores.sql import SqlStore, metadata, tables
from gatepass.stores.sql.engines import engine_of
from gatepass.stores.sql.revisions import find_revision
from tests.budget import PATIENCE_S
from tests.cases import case
from tests.servers.postgres import empty_database
from tests.stores.outcomes import BUCKET, OPERATIONS
from tests.stores.plans import log_in
from tests.stores.twins import Runner, sql_store

UPGRADE_AND_ISSUE = """
import sys
from gatepass.stores.sql import SqlStore
from tests.stores.plans import log_in
store = SqlStore.from_url(sys.argv[1])
sys.stdin.read(1)
if sys.argv[1].startswith("postgres"):
    store.upgrade()
assert store.issue(log_in(session_id=sys.argv[2])) is not None
store.close()
"""


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, url: str) -> str:
    """The URL of a database with nothing in it."""
    return url if request.param == "sqlite" else empty_database("schemas")


@pytest.fixture
def store(twin: str, target: str, runner: Runner) -> Iterator[Any]:
    store: Any = sql_store(twin, runner, target)
    with closing(store):
        yield store


@pytest.fixture
def engine(target: str) -> Iterator[Engine]:
    engine = engine_of(target)
    yield engine
    engine.dispose()


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


def test_every_operation_refuses_tables_that_nothing_upgrades(
    store: Any, engine: Engine, target: str, path: Path
) -> None:
    path.touch()  # nothing but a store makes a SQLite file
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE gatepass_alembic_version (version_num TEXT)"))
        connection.execute(text("INSERT INTO gatepass_alembic_version VALUES ('none')"))
    for revision, sentence in (
        *(("v9999", "newer release"), ("0001", "start anew"), ("0009", "start anew")),
    ):
        with engine.begin() as connection:
            change = text("UPDATE gatepass_alembic_version SET version_num = :revision")
            connection.execute(change, {"revision": revision})
        for operation in [lambda store: store.upgrade(), *OPERATIONS.values()]:
            with case(revision), pytest.raises(StoreOutdated, match=sentence):
                operation(store)
    assert inspect(engine).get_table_names() == ["gatepass_alembic_version"]
    assert not find_revision(target).is_current


def test_an_upgrade_keeps_the_rows_of_the_revision_before(
    store: Any, engine: Engine, target: str, path: Path
) -> None:
    path.touch()
    scripts = ScriptDirectory(str(Path(sql.__file__).with_name("migrations")))
    first = EnvironmentContext(
        Config(), scripts, fn=lambda found, _: scripts._upgrade_revs("v0001", found)
    )
    with engine.begin() as connection, first:
        schema = None if "sqlite" in target else "public"
        first.configure(
            connection=connection, version_table=tables.VERSION_TABLE, version_table_schema=schema
        )
        first.run_migrations()
        connection.execute(text("INSERT INTO gatepass_subjects VALUES ('ada', 7)"))
    assert find_revision(target).found == "v0001"

    store.upgrade()

    upgraded_ms = time.time() * 1000
    epoch, raised_ms = store.last_epoch("ada")
    assert epoch == 7
    assert 0 < raised_ms <= upgraded_ms
    assert store.take([BUCKET]) == 0
    assert find_revision(target).is_current


def test_an_interrupted_upgrade_leaves_nothing_half_made(
    store: Any, engine: Engine, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(28, "No space left on device")

    def cut_short(_: int) -> str:
        raise sqlite3.OperationalError("disk I/O error") if "sqlite" in target else full

    with monkeypatch.context() as patch:
        patch.setattr("secrets.token_hex", cut_short)
        with pytest.raises(StoreUnavailable):
            store.upgrade()

    assert inspect(engine).get_table_names() == []
    store.upgrade()
    assert store.issue(log_in()) is not None


@pytest.mark.workers
def test_six_processes_upgrade_one_new_database(target: str) -> None:
    command = [sys.executable, "-c", UPGRADE_AND_ISSUE, target]
    processes = [
        subprocess.Popen(
            [*command, f"session {number}"], stdin=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        for number in range(6)
    ]
    for process in processes:
        process.communicate(b"x", timeout=PATIENCE_S)

    assert [process.returncode for process in processes] == [0] * 6
    with closing(SqlStore.from_url(target)) as store:
        assert len(store.sessions("ada")) == 6
