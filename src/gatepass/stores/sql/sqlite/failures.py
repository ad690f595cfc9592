"""Errors for the failures of SQLite, by its result codes and never by its texts."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

from gatepass.errors import StoreUnavailable

_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_OURS: Final = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.NotSupportedError,
    sqlite3.ProgrammingError,
)
_SENTENCES: Final = {
    sqlite3.SQLITE_BUSY: "the database is locked",
    sqlite3.SQLITE_LOCKED: "the database is locked",
    sqlite3.SQLITE_FULL: "the disk of the database is full",
    sqlite3.SQLITE_READONLY: "the database file can be read and not written",
    sqlite3.SQLITE_PERM: "this user may not open the database file",
    sqlite3.SQLITE_CANTOPEN: "the database file, or one beside it, cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk of the database fails",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged",
    sqlite3.SQLITE_NOTADB: "the database file is no SQLite database",
    sqlite3.SQLITE_NOMEM: "there is no memory left for the database",
}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds a lock; primary code without its extension."""
    return _code(error) in _BUSY


def unavailable(error: Exception) -> StoreUnavailable:
    """The error to raise for a driver's; one that only a mistake of ours explains is raised."""
    if isinstance(_cause(error), _OURS):
        raise error
    return unavailable_by(error)


def unavailable_by(error: BaseException) -> StoreUnavailable:
    """The error to raise for one of the driver's or of SQLAlchemy's."""
    sentence = _SENTENCES.get(_code(_cause(error)))
    return StoreUnavailable(sentence or "the database does not answer as it should")


def _cause(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _code(error: BaseException | None) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
