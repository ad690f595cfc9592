"""Short durable transactions on a store's database, for tables that are not the store's own.

The server keeps accounts this way. Whichever database it is, a transaction is acknowledged
only when it is durable, waits two seconds at most, and fails as `StoreUnavailable`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, QueuePool
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gatepass.stores.deadline import DEADLINE, WAIT_S, find_deadline
from gatepass.stores.sql.engines import (
    engine_of,
    is_postgres,
    parse_url,
    postgres_part,
    unavailable_by,
)

_SQLITE: Final = "PRAGMA synchronous=FULL"
_POSTGRESQL: Final = """
SELECT (
    SELECT n.nspname::text FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = pg_catalog.to_regclass('gatepass_accounts')::oid
  ), set_config('statement_timeout', '1800', true), set_config('lock_timeout', '1700', true),
  set_config('synchronous_commit', CASE
    WHEN current_setting('synchronous_commit') IN ('on', 'remote_apply')
    THEN current_setting('synchronous_commit') ELSE 'on' END, true),
  set_config('search_path', 'pg_catalog, pg_temp', true)
"""
"""Answers in which schema the tables are, and takes the path away: SQLAlchemy compares with types
of its own, and an operator that somebody planted in a schema of the path would fit those better.
"""
_CONNECTIONS: Final = 5


def pooled_engine_of(url: str) -> Engine:
    """An engine for many short transactions: on PostgreSQL it keeps a few connections.

    Raises:
        SettingsRejected: See `engine_of`.
    """
    engine = engine_of(url)
    if not is_postgres(engine):
        return engine
    pooled: Engine = postgres_part().engine_of(
        parse_url(url),
        poolclass=QueuePool,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=WAIT_S,
        pool_pre_ping=True,
    )
    return pooled


@contextmanager
def durable_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed, durably, when the block ends.

    Raises:
        StoreUnavailable: The transaction was not committed, or was not confirmed.
        sqlalchemy.exc.IntegrityError: A constraint rejected a row.
    """
    token = DEADLINE.set(find_deadline())
    try:
        with engine.begin() as connection:
            if is_postgres(engine):
                schema = connection.exec_driver_sql(_POSTGRESQL).scalar()
                connection.execution_options(schema_translate_map={None: schema})
            else:
                connection.exec_driver_sql(_SQLITE)
            yield connection
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError) as error:
        raise unavailable_by(engine, error) from error
    finally:
        DEADLINE.reset(token)
