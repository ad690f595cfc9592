"""How a SQLite file comes to be: permissions, migrations, settings, and what is refused."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, NullPool, create_engine, event

from gatepass.errors import SettingsRejected
from gatepass.stores import sql
from gatepass.stores.sql import SqlStore, alembic_include_name, tables
from gatepass.stores.sql.sqlite.connection import SqliteConnection, Write
from gatepass.stores.sql.sqlite.database import SqliteDatabase
from tests.stores import outcomes
from tests.stores.plans import log_in
from tests.stores.twins import Runner, sqlite_store


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


def test_durable_writes_and_rotations_have_a_connection_each(store: SqlStore, path: Path) -> None:
    found = {}
    database: Any = store._runner
    for durable in (False, True):
        change = lambda connection: connection.execute("PRAGMA synchronous").fetchall()  # noqa: E731
        found[durable] = database.write(Write(change, durable))
    connection = sqlite3.connect(path)
    journal = connection.execute("PRAGMA journal_mode").fetchall()
    connection.close()

    assert found == {False: [(1,)], True: [(2,)]}
    assert journal == [("wal",)]


def test_everything_is_durable_whose_loss_would_not_heal(
    store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes.fill(url)
    committed: list[bool] = []
    original = SqliteDatabase.write

    def spy(database: SqliteDatabase, write: Write) -> Any:
        def seen(connection: SqliteConnection) -> Any:
            answer = write.change(connection)
            committed.append(connection.is_durable)
            return answer

        return original(database, Write(seen, write.durable))

    monkeypatch.setattr(SqliteDatabase, "write", spy)
    found = {}
    for name, operation in outcomes.WRITES.items():
        operation(store)
        found[name] = committed[-1]
    store.close()

    healing = {name for name, durable in found.items() if not durable}
    assert healing == {"rotate", "issue_opaque", "note_use", "take", "give_back"}
