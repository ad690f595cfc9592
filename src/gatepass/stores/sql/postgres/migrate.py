"""The tables in PostgreSQL: which revision they are of, and bringing them up to date."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gatepass.errors import StoreUnavailable
from gatepass.stores.deadline import DEADLINE
from gatepass.stores.sql.postgres.failures import (
    ENCODING,
    NOT_UTF8,
    STRANGE_SCHEMA,
    unavailable_by,
)
from gatepass.stores.sql.tables import HEAD

PATIENCE: Final = 60.0
"""Seconds that an upgrade may take, half of it waiting for another one."""

_OPTIONS: Final[dict[str, Any]] = {"isolation_level": "READ COMMITTED"}
"""Overrides the database and the engine: a higher level does not see, behind the lock, changes
from the time of its wait, and autocommit does not keep the lock.
"""
_LIMITS: Final = """
SELECT set_config('lock_timeout', '30000', true), set_config('statement_timeout', '60000', true)
"""
_FIND_SCHEMA: Final = """
SELECT coalesce((
  SELECT n.nspname::text FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = pg_catalog.to_regclass('gatepass_alembic_version')::oid
), current_schema()::text)
"""
"""The schema of the tables, or else the one in which they would be made."""
_QUOTED: Final = frozenset('"%:')
"""Characters that would need quotes, of one kind or another, in the name of a schema."""
_OWN_PATH: Final = "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)"
"""Nothing that others planted in a schema of the path is run as the role that upgrades."""
_LOCK: Final = "SELECT pg_advisory_xact_lock(7449363239834329448)"


def upgrade(engine: Engine, schema: str | None) -> None:
    """Run the migrations that the database has not seen, all or none.

    Raises:
        StoreUnavailable: The database cannot be reached or changed, or another upgrade took
            too long.
        StoreOutdated: The tables are of a newer release, or from before the first one.
    """
    token = DEADLINE.set(time.monotonic() + PATIENCE)
    try:
        with _translated(), engine.execution_options(**_OPTIONS).begin() as connection:
            _upgrade(connection, schema)
    finally:
        DEADLINE.reset(token)


async def upgrade_async(engine: AsyncEngine, schema: str | None) -> None:
    """`upgrade` for `await`."""
    with _translated():
        own = engine.execution_options(**_OPTIONS)
        async with asyncio.timeout(PATIENCE), own.begin() as connection:
            await connection.run_sync(_upgrade, schema)


def find_revision(engine: Engine, schema: str | None) -> str | None:
    """The revision of the tables; `None` when there are none.

    Raises:
        StoreUnavailable: The database cannot be read.
    """
    # Alembic takes a tenth of a second to import.
    from gatepass.stores.sql.upgrade import revision_of  # noqa: PLC0415

    with _translated(), engine.connect() as connection:
        return revision_of(connection, _settle(connection, schema))


def _upgrade(connection: Connection, schema: str | None) -> None:
    from gatepass.stores.sql.upgrade import revision_of, upgrade_tables  # noqa: PLC0415

    is_named = schema is not None
    schema = _settle(connection, schema)
    if revision_of(connection, schema) == HEAD:
        return
    if connection.exec_driver_sql("SHOW server_encoding").scalar() != ENCODING:
        raise StoreUnavailable(NOT_UTF8)
    connection.exec_driver_sql(_LIMITS)
    connection.exec_driver_sql(_LOCK)
    if is_named:
        connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    upgrade_tables(connection, schema)  # another instance may have done it meanwhile


def _settle(connection: Connection, schema: str | None) -> str | None:
    """The schema by its name, whichever the path says, and the path out of the way."""
    if schema is None:
        schema = connection.exec_driver_sql(_FIND_SCHEMA).scalar()
    if schema is not None and not _QUOTED.isdisjoint(schema):
        raise StoreUnavailable(STRANGE_SCHEMA)
    connection.exec_driver_sql(_OWN_PATH)
    return schema


@contextmanager
def _translated() -> Iterator[None]:
    """The driver's errors as ours."""
    try:
        yield
    except (SQLAlchemyError, psycopg.Error, OSError) as error:
        raise unavailable_by(error) from error
