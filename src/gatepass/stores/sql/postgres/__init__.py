"""Sessions in PostgreSQL through psycopg 3; imported only when a store or URL asks for it."""

from gatepass.stores.sql.postgres.async_store import AsyncPostgresStore
from gatepass.stores.sql.postgres.engines import async_engine_of, engine_of
from gatepass.stores.sql.postgres.migrate import find_revision
from gatepass.stores.sql.postgres.store import PostgresStore

__all__ = ["AsyncPostgresStore", "PostgresStore", "async_engine_of", "engine_of", "find_revision"]
