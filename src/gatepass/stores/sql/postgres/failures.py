"""Errors for the failures of PostgreSQL and its driver; they hold nothing of a URL."""

from typing import Final

from gatepass.errors import StoreOutdated, StoreUnavailable
from gatepass.stores.sql.postgres.wire import Refused
from gatepass.stores.sql.tables import OUTDATED

UNREACHABLE: Final = "the database cannot be reached, or does not let this program in"
LATE: Final = "the database did not answer in time"
BUSY: Final = "every connection to the database is in use"
CLOSED: Final = "the store is closed"
ENCODING: Final = "UTF8"
NOT_UTF8: Final = (
    "the database's encoding is not UTF8, so that it cannot hold every name: create it with "
    "ENCODING 'UTF8'"
)
STRANGE_SCHEMA: Final = "the schema of the tables has a name with a quotation mark, % or :"
STANDBY: Final = "the database is a standby, which may not know of revocations yet"
UNPREPARED: Final = (
    "a pooler lost a prepared statement: make the engine with `prepare_threshold=None`"
)

DUPLICATE: Final = "23505"
_UNDONE: Final = ("40001", "40P01", "0A000", "26000")
"""A transaction lost against another one, or a prepared statement is not what it was."""

_SENTENCES: Final = {
    "25000": "the database's transactions are not READ COMMITTED: a pooler lost that setting",
    "25006": "the database takes no writes",
    "42501": "the database does not let this role do that",
    "42P01": OUTDATED,
    "42703": OUTDATED,
    "42883": OUTDATED,
    "3F000": OUTDATED,
    "26000": UNPREPARED,
    "42P05": UNPREPARED,
    "08P01": "a pooler did not let this through: it is in statement mode, or its pool is full",
    "55P03": "the database is locked",
    "57014": LATE,
    "40": "the database is locked",
    "53": "the database has no room left",
    "22": "a row of the database is damaged",
    "XX": "the database is damaged",
}
"""By SQLSTATE, then by its class."""

_KEEPS: Final = ("22", "23", "25006", "40", "42501", "53100", "55P03", "57014")
"""States after which a connection is as good as before."""


class Lost(Exception):
    """The connection broke; the statement may or may not have been done."""


class Late(Exception):
    """The time of the operation is over; the statement may or may not be done."""


def is_undone(refused: Refused) -> bool:
    """Whether the same statement may simply be tried again."""
    return refused.state in _UNDONE


def keeps_connection(refused: Refused) -> bool:
    """Whether the connection can be used on."""
    return refused.state.startswith(_KEEPS)


def unavailable(refused: Refused) -> StoreUnavailable:
    """The error to raise for a server's answer."""
    sentence = _SENTENCES.get(refused.state) or _SENTENCES.get(refused.state[:2])
    if sentence is OUTDATED:
        return StoreOutdated(OUTDATED)
    return StoreUnavailable(sentence or "the database does not answer as it should")
