"""Sessions in a SQL database, through SQLAlchemy: SQLite today.

`metadata` and `alembic_include_name` are for projects with migrations of their own.
"""

from gatepass._extras import needs_extra

with needs_extra("sql"):
    from gatepass.stores.sql.async_store import AsyncSqlStore
    from gatepass.stores.sql.store import SqlStore
    from gatepass.stores.sql.tables import alembic_include_name, metadata

__all__ = ["AsyncSqlStore", "SqlStore", "alembic_include_name", "metadata"]
