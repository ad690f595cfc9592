"""Tables in PostgreSQL among others: schemas, engines of the caller's, and another Alembic."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from gatepass.errors import SettingsRejected
from gatepass.stores.sql import AsyncSqlStore, SqlStore, tables
from gatepass.stores.sql.engines import engine_of
from tests.servers.postgres import empty_database, shared_server
from tests.stores.outcomes import OPERATIONS
from tests.stores.plans import log_in, present
from tests.stores.twins import Runner, sql_store

ROOT = Path(__file__).parents[3]


@pytest.fixture
def url() -> str:
    """A database with nothing in it."""
    return empty_database("neighbours")


@pytest.fixture
def store(twin: str, url: str, runner: Runner) -> Iterator[Any]:
    store: Any = sql_store(twin, runner, url)
    yield store
    store.close()


@pytest.mark.parametrize("schema", ["auth", "Auth$2"])
def test_a_schema_holds_everything(twin: str, url: str, runner: Runner, schema: str) -> None:
    store: Any = sql_store(twin, runner, url, schema=schema)
    store.upgrade()
    store.issue(log_in(session_id="a"))
    kinds = [store.rotate(present("a", generation, leeway=0)).kind for generation in (0, 1, 1)]
    for operation in OPERATIONS.values():
        operation(store)
    store.close()

    assert [kind.value for kind in kinds] == ["rotated", "rotated", "reused"]
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT DISTINCT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relname ~ 'gatepass' UNION SELECT DISTINCT nspname FROM pg_proc"
            " JOIN pg_namespace n ON n.oid = pronamespace WHERE proname ~ 'gatepass'"
        ).fetchall()
    assert found == [(schema,)]


def test_two_schemas_of_one_database_know_nothing_of_each_other(url: str) -> None:
    stores = [SqlStore.from_url(url, schema=schema) for schema in (None, "auth")]
    for store in stores:
        store.upgrade()
    stores[1].issue(log_in(session_id="a"))

    assert [store.is_revoked("a", None) for store in stores] == [True, False]
    for store in stores:
        store.close()


@pytest.mark.parametrize("schema", ["", "a b", 'a"; DROP SCHEMA public', "1a", "a" * 64])
def test_a_schema_of_another_name_is_refused(url: str, schema: str) -> None:
    with pytest.raises(SettingsRejected, match="schema"):
        SqlStore.from_url(url, schema=schema)


def test_an_engine_of_the_callers_own_keeps_its_settings(url: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), pool_size=3)
    seen: list[Any] = []
    event.listen(engine, "connect", lambda connection, _: seen.append(connection))
    store = SqlStore(engine)
    store.upgrade()
    at_upgrade = len(seen)

    store.issue(log_in(session_id="a"))
    store.close()

    assert len(seen) == at_upgrade + 1
    with engine.connect() as connection:
        rows = connection.execute(tables.sessions.select()).all()
    engine.dispose()
    assert [row.session_id for row in rows] == ["a"]


def test_an_async_engine_of_the_callers_own_keeps_its_settings(url: str) -> None:
    async def use() -> None:
        engine = create_async_engine(
            url.replace("postgresql:", "postgresql+psycopg:"),
            poolclass=NullPool,
            connect_args={"application_name": "of the caller"},
        )
        store = AsyncSqlStore(engine)
        await store.upgrade()
        await store.issue(log_in(session_id="a"))
        names = shared_server().run("SELECT application_name FROM pg_stat_activity")
        await store.close()
        await engine.dispose()
        assert ("of the caller",) in names

    asyncio.run(use())


def test_engines_of_the_other_kind_are_refused(url: str) -> None:
    plain = engine_of(url)
    awaited = create_async_engine(url.replace("postgresql:", "postgresql+psycopg:"))

    with pytest.raises(TypeError, match="AsyncEngine"):
        AsyncSqlStore(plain)
    with pytest.raises(TypeError, match="AsyncEngine"):
        SqlStore(awaited)  # type: ignore[arg-type]


ONLY_SQLITE = """
import sys
from gatepass.stores.sql import AsyncSqlStore, SqlStore
store = SqlStore.from_url("sqlite:///" + sys.argv[1])
assert store.subject_epoch("ada") == 0
store.close()
AsyncSqlStore.from_url("sqlite:///" + sys.argv[1])
assert not {"psycopg", "gatepass.stores.sql.postgres"} & set(sys.modules)
"""


def test_a_store_on_sqlite_imports_no_driver_of_postgresql(tmp_path: Path) -> None:
    program = [sys.executable, "-c", ONLY_SQLITE, str(tmp_path / "gate.db")]

    subprocess.run(program, check=True, cwd=ROOT)


USERS_ENVIRONMENT = """
from alembic import context
from sqlalchemy import Column, Integer, MetaData, NullPool, Table, create_engine
from gatepass.stores.sql import alembic_include_name

metadata = MetaData()
Table("orders", metadata, Column("id", Integer, primary_key=True))

url = context.config.get_main_option("sqlalchemy.url")
with create_engine(url, poolclass=NullPool).connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=alembic_include_name,
        include_schemas=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
"""


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_a_projects_own_alembic_leaves_the_tables_alone(url: str, tmp_path: Path) -> None:
    for schema in (None, "auth"):
        store = SqlStore.from_url(url, schema=schema)
        store.upgrade()
        store.close()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE stray (id int PRIMARY KEY)")

    config = Config(tmp_path / "alembic.ini", stdout=StringIO())
    command.init(config, str(tmp_path / "migrations"))
    (tmp_path / "migrations" / "env.py").write_text(USERS_ENVIRONMENT)
    config.set_main_option("sqlalchemy.url", url.replace("postgresql:", "postgresql+psycopg:"))
    config.set_main_option("script_location", str(tmp_path / "migrations"))
    command.revision(config, "orders", autogenerate=True)
    [made] = (tmp_path / "migrations" / "versions").glob("*_orders.py")
    command.upgrade(config, "head")

    text = made.read_text()
    assert "create_table('orders'" in text
    assert "drop_table('stray')" in text
    assert "gatepass" not in text
    with psycopg.connect(url) as connection:
        own = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        ours = connection.execute("SELECT version_num FROM gatepass_alembic_version").fetchall()
    assert len(own) == 1
    assert ours == [(tables.HEAD,)]
