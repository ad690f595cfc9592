"""Sessions in PostgreSQL through psycopg 3; imported only when a store or URL asks for it."""

from gatepass.stores.sql.postgres.async_pool import AsyncPostgresPool
from gatepass.stores.sql.postgres.engines import async_engine_of, engine_of
from gatepass.stores.sql.postgres.failures import unavailable_by
from gatepass.stores.sql.postgres.migrate import find_revision, upgrade, upgrade_async
from gatepass.stores.sql.postgres.pool import PostgresPool
from gatepass.stores.sql.postgres.work import PostgresWork

__all__ = [
    "AsyncPostgresPool",
    "PostgresPool",
    "PostgresWork",
    "async_engine_of",
    "engine_of",
    "find_revision",
    "unavailable_by",
    "upgrade",
    "upgrade_async",
]
