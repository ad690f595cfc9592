"""The revision that a database's tables are of, beside the one that this release needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.stores.sql.engines import engine_of, is_postgres, postgres_part, require_usable
from gatepass.stores.sql.sqlite_file import SqliteFile
from gatepass.stores.sql.tables import HEAD
from gatepass.stores.sql.upgrade import revision_of

_UPGRADE: Final = "run `gatepass db upgrade`"


@dataclass(frozen=True, slots=True)
class Revision:
    """What was found; `None` means no tables."""

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


def require_current(url: str, schema: str | None = None) -> None:
    """Refuse to start on a database whose tables are of another release.

    A SQLite file that is missing or older is fine: it is made and brought up to date when used.

    Raises:
        SettingsRejected: They are; the sentence says what to do.
        StoreUnavailable: The database cannot be read.
    """
    revision = find_revision(url, schema)
    if revision.is_current:
        return
    if revision.found is not None and revision.found > revision.needed:
        raise SettingsRejected("the database is of a newer release of gatepass: upgrade gatepass")
    if not is_postgres(engine_of(url)):
        return
    if revision.found is None:
        raise SettingsRejected(f"the database has no tables of gatepass: {_UPGRADE}")
    raise SettingsRejected(f"the database's tables are of an older release: {_UPGRADE}")


def _find_in_file(engine: Engine) -> str | None:
    if not Path(SqliteFile(engine.url).path).exists():
        return None
    try:
        with engine.connect() as connection:
            return revision_of(connection)
    except SQLAlchemyError as error:
        raise StoreUnavailable("the database cannot be read") from error
