"""The revision that a database's tables are of, beside the one that this release needs."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gatepass.stores.sql.engines import (
    engine_of,
    is_postgres,
    postgres_part,
    require_usable,
    unavailable_by,
)
from gatepass.stores.sql.sqlite.file import SqliteFile
from gatepass.stores.sql.tables import HEAD
from gatepass.stores.sql.upgrade import revision_of


@dataclass(frozen=True, slots=True)
class Revision:
    """The revision that was found; `None` means no tables."""

    found: str | None
    needed: str = HEAD

    @property
    def is_current(self) -> bool:
        """Whether this release can work with the tables."""
        return self.found == self.needed


def find_revision(url: str, schema: str | None = None) -> Revision:
    """The revision of the tables of this database; nothing is changed.

    Raises:
        SettingsRejected: There is no store for this URL.
        StoreUnavailable: The database cannot be read.
    """
    engine = engine_of(url)
    require_usable(engine, schema)
    if is_postgres(engine):
        return Revision(postgres_part().find_revision(engine, schema))
    return Revision(_find_in_file(engine))


def _find_in_file(engine: Engine) -> str | None:
    if not Path(SqliteFile(engine.url).path).exists():
        return None
    try:
        with engine.connect() as connection:
            return revision_of(connection)
    except SQLAlchemyError as error:
        raise unavailable_by(engine, error) from error
