"""Bring a database's tables up to date; the caller holds the lock and the transaction."""

from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from gatepass.errors import StoreOutdated
from gatepass.stores.sql.tables import VERSION_TABLE, why_unusable

_MIGRATIONS: Final = Path(__file__).with_name("migrations")


def revision_of(connection: Connection, schema: str | None = None) -> str | None:
    """The newest revision that this database has seen; `None` when there are no tables."""
    options = {"version_table": VERSION_TABLE, "version_table_schema": schema}
    heads = MigrationContext.configure(connection, opts=options).get_current_heads()
    return max(heads, default=None)


def upgrade_tables(connection: Connection, schema: str | None = None) -> None:
    """Run the revisions that this database has not seen, in the transaction that is open.

    Raises:
        StoreOutdated: The tables were made by a newer release, or before the first one.
    """
    scripts = ScriptDirectory(str(_MIGRATIONS))

    def missing(revision: Any, _context: Any) -> Any:
        return scripts._upgrade_revs("head", revision)  # noqa: SLF001 (alembic.command does so)

    with EnvironmentContext(Config(), scripts, fn=missing) as environment:
        environment.configure(
            connection=connection, version_table=VERSION_TABLE, version_table_schema=schema
        )
        try:
            environment.run_migrations()
        except CommandError as error:
            raise StoreOutdated(why_unusable(revision_of(connection, schema))) from error
