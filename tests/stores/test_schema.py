"""How a SQLite file comes to be: permissions, migrations, settings, and what is refused."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, NullPool, create_engine, event

from gatepass.errors import SettingsRejected, StoreOutdated, StoreUnavailable
from gatepass.stores import sql
from gatepass.stores.sql import SqlStore, alembic_include_name, metadata, tables
from gatepass.stores.sql.sqlite_database import SqliteDatabase
from tests.stores import broken
from tests.stores.plans import log_in
from tests.stores.twins import Runner, sqlite_store

OPEN_AND_ISSUE = """
import sys
from gatepass.stores.sql import SqlStore
from tests.stores.plans import log_in
store = SqlStore.from_url(sys.argv[1])
sys.stdin.read(1)
assert store.issue(log_in(session_id=sys.argv[2])) is not None
store.close()
"""


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    store = SqlStore.from_url(url)
    yield store
    store.close()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_making_a_store_touches_no_file(store: SqlStore, path: Path) -> None:
    assert not path.exists()

    store.upgrade()

    assert path.exists()


def test_the_file_and_its_companions_are_the_owners_alone(store: SqlStore, path: Path) -> None:
    store.issue(log_in())

    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        assert mode_of(path.with_name(name)) == 0o600


def test_a_file_that_is_there_keeps_its_permissions(store: SqlStore, path: Path) -> None:
    path.touch(0o660)
    path.chmod(0o660)

    store.issue(log_in())

    assert mode_of(path) == 0o660


def test_a_relative_path_is_where_the_store_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    store = SqlStore.from_url("sqlite:///gate.db")
    monkeypatch.chdir(elsewhere)

    store.issue(log_in())
    store.close()

    assert (tmp_path / "gate.db").exists()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("twin", ["sync", "async"])
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "gatepass.stores.memory"),
        ("sqlite:///:memory:", "gatepass.stores.memory"),
        ("sqlite:///file:gate?mode=memory&uri=true", "gatepass.stores.memory"),
        ("postgresql+asyncpg://ada:hunter2@db/gate", "psycopg 3"),
        ("postgresql://ada:hunter2@db:port/gate", "cannot be read"),
        ("postgresql://ada:hunter2@db/gate?connect_tiemout=2", "an option that is not taken"),
        ("mysql://ada:hunter2@db/gate", "sqlite:///"),
        ("sqlite+aiosqlite:///gate.db", "sqlite:///"),
        ("sqlite://ada:hunter2@db/gate", "sqlite:///"),
        ("hunter2", "cannot be read"),
    ],
)
def test_other_databases_are_refused_in_one_sentence(
    twin: str, runner: Runner, url: str, sentence: str
) -> None:
    with pytest.raises(SettingsRejected, match=sentence) as refusal:
        sqlite_store(twin, runner, url)

    assert "hunter2" not in str(refusal.value)


def test_sqlite_has_no_schemas(url: str) -> None:
    with pytest.raises(SettingsRejected, match="schemas"):
        SqlStore.from_url(url, schema="auth")


def test_an_engine_of_the_callers_own_keeps_its_settings(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    seen = []
    event.listen(engine, "connect", lambda connection, _: seen.append(connection))
    store = SqlStore(engine)

    store.issue(log_in(session_id="a"))
    store.close()

    assert len(seen) > 0
    with engine.connect() as connection:
        rows = connection.execute(tables.sessions.select()).all()
    engine.dispose()
    assert [row.session_id for row in rows] == ["a"]


def test_a_uri_is_taken(path: Path) -> None:
    store = SqlStore.from_url(f"sqlite:///file:{path}?mode=rwc&uri=true")

    store.issue(log_in())
    store.close()

    assert mode_of(path) == 0o600


def test_the_stores_engine_never_makes_a_file(store: SqlStore, path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        store.engine.pool.connect()

    assert not path.exists()


def test_the_migrations_make_what_the_metadata_says(store: SqlStore, url: str) -> None:
    store.upgrade()
    store.upgrade()

    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        options = {"version_table": tables.VERSION_TABLE}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == tables.HEAD


def test_the_newest_migration_is_the_one_that_is_looked_for() -> None:
    scripts = ScriptDirectory(str(Path(sql.__file__).with_name("migrations")))

    assert scripts.get_heads() == [tables.HEAD]


def test_another_projects_migrations_leave_the_tables_alone(store: SqlStore, url: str) -> None:
    store.upgrade()
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        options = {"include_name": alembic_include_name}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, MetaData()) == []

    assert alembic_include_name("orders", "table", {})
    assert alembic_include_name("orders_day", "index", {"table_name": "orders"})
    assert alembic_include_name(None, "schema", {})


def test_an_interrupted_migration_leaves_nothing_half_made(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(_: int) -> str:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr("secrets.token_hex", cut_short)
        store = SqlStore.from_url(url)
        with pytest.raises(StoreUnavailable):
            store.upgrade()
        store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()

    store = SqlStore.from_url(url)
    assert store.issue(log_in()) is not None
    store.close()


@pytest.mark.parametrize(
    ("revision", "sentence"),
    [("v9999", "newer release"), ("0001", "start anew"), ("0009", "start anew")],
)
def test_tables_that_nothing_upgrades_are_not_touched(
    store: SqlStore, path: Path, revision: str, sentence: str
) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE gatepass_alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO gatepass_alembic_version VALUES (?)", (revision,))
    connection.commit()

    with pytest.raises(StoreOutdated, match=sentence):
        store.upgrade()
    with pytest.raises(StoreOutdated, match=sentence):
        store.issue(log_in())
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert found == [("gatepass_alembic_version",)]


def test_durable_writes_and_rotations_have_a_connection_each(store: SqlStore, path: Path) -> None:
    found = {}
    for durable in (False, True):
        found[durable] = store.sqlite.database.write(
            lambda cursor, _: cursor.execute("PRAGMA synchronous").fetchall(), durable=durable
        )
    connection = sqlite3.connect(path)
    journal = connection.execute("PRAGMA journal_mode").fetchall()
    connection.close()

    assert found == {False: [(1,)], True: [(2,)]}
    assert journal == [("wal",)]


def test_everything_but_a_rotation_is_durable(
    store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken.fill(url)
    committed: list[bool] = []
    write = SqliteDatabase.write

    def spy(database: SqliteDatabase, change: Any, *, durable: bool) -> Any:
        def seen(cursor: Any, is_durable: bool) -> Any:  # noqa: FBT001 - see `write`
            answer = change(cursor, is_durable)
            committed.append(is_durable)
            return answer

        return write(database, seen, durable=durable)

    monkeypatch.setattr(SqliteDatabase, "write", spy)
    found = {}
    for name, operation in broken.WRITES.items():
        operation(store)
        found[name] = committed[-1]
    store.close()

    assert [name for name, durable in found.items() if not durable] == ["rotate"]


@pytest.mark.workers
def test_six_processes_open_one_new_file(path: Path, url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_AND_ISSUE, url, f"session {number}"],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for number in range(6)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)

    assert [process.returncode for process in processes] == [0] * 6
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM gatepass_sessions").fetchall() == [(6,)]
    assert connection.execute("SELECT count(*) FROM gatepass_meta").fetchall() == [(1,)]
    connection.close()
