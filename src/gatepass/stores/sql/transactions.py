"""Short durable transactions on a store's database, for tables that are not the store's own.

The server keeps accounts this way. Whichever database it is, a transaction is acknowledged
only when it is durable, waits two seconds at most, and fails as `StoreUnavailable`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, QueuePool
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gatepass.errors import StoreUnavailable
from gatepass.stores.sql.engines import engine_of, is_postgres, postgres_part
from gatepass.stores.sql.sqlite_connection import DEADLINE, WAIT_S, find_deadline

_SQLITE: Final = "PRAGMA synchronous=FULL"
_POSTGRESQL: Final = """
SELECT set_config('statement_timeout', '1800', true), set_config('lock_timeout', '1700', true),
  set_config('synchronous_commit', CASE
    WHEN current_setting('synchronous_commit') IN ('on', 'remote_apply')
    THEN current_setting('synchronous_commit') ELSE 'on' END, true)
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
        make_url(url),
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
        StoreUnavailable: It was not committed, or that was not confirmed.
        sqlalchemy.exc.IntegrityError: A constraint refused a row.
    """
    setting = _POSTGRESQL if is_postgres(engine) else _SQLITE
    token = DEADLINE.set(find_deadline())
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(setting)
            yield connection
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError) as error:
        raise StoreUnavailable from error
    finally:
        DEADLINE.reset(token)
