"""Errors for the failures of PostgreSQL and its driver; they hold nothing of a URL.

A statement that fails has an SQLSTATE, a socket an errno. libpq has neither for a connection that
was not made: there its text decides which sentence is shown, and none of the text is.
"""

import errno
import re
import socket
from typing import Final

import psycopg
from sqlalchemy import exc

from gatepass.errors import StoreOutdated, StoreUnavailable
from gatepass.stores.sql.postgres.wire import Refused
from gatepass.stores.sql.tables import OUTDATED

UNREACHABLE: Final = "the database cannot be reached, or does not let this program in"
BROKEN: Final = "the connection to the database broke"
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

REJECTED: Final = "the database rejects the user name or the password"
NO_DATABASE: Final = "the database server has no database of this name: see the end of the URL"
UNKNOWN_HOST: Final = "the host name of the database is unknown"
CLOSED_PORT: Final = "nothing listens at the host and port of the database"
NO_WAY: Final = "the network has no way to the host of the database"
STARTING: Final = "the database is starting or stopping"
FULL: Final = "the database has no connection left (max_connections, or the limit of the role)"

DUPLICATE: Final = "23505"
_UNDONE: Final = ("40001", "40P01", "0A000", "26000")
"""A transaction lost against another one, or a prepared statement is not what it was."""

_SENTENCES: Final = {
    "25000": "the database's transactions are not READ COMMITTED: a pooler lost that setting",
    "25006": "the database takes no writes: it is read-only (default_transaction_read_only)",
    "28": REJECTED,
    "3D000": NO_DATABASE,
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
    "53100": "the disk of the database is full",
    "53200": "the database is out of memory",
    "53300": FULL,
    "53": "the database has no room left",
    "57P": STARTING,
    "22": "a row of the database is damaged",
    "XX": "the database is damaged",
}
"""By SQLSTATE, then by its first three and its first two characters."""

_BY_NUMBER: Final = {
    errno.ECONNREFUSED: CLOSED_PORT,
    errno.EHOSTUNREACH: NO_WAY,
    errno.ENETUNREACH: NO_WAY,
    errno.ETIMEDOUT: LATE,
    errno.ECONNRESET: BROKEN,
}
_BY_TEXT: Final = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        ("pg_hba", "pg_hba.conf lets no such user, database and address in, or wants TLS"),
        ("does not match host name", "the certificate of the database is for another host"),
        ("certificate verify failed", "sslrootcert does not vouch for the database's certificate"),
        ("root certificate file", "the file of sslrootcert is missing, or cannot be read"),
        ("[Cc]onnection refused|No such file", CLOSED_PORT),
        ("server does not support SSL", "the database offers no TLS, which sslmode requires"),
        ("negotiation|expected authentication", "PostgreSQL does not answer at this host and port"),
        ("SSL|certificate|private key", "no TLS connection with the database could be made"),
        ("database +does not exist", NO_DATABASE),
        ("too many c|slots are reserved", FULL),
        ("[Pp]assword|authentication|role .*(does not exist|not permitted)", REJECTED),
        ("permission denied", "the database does not let this role connect"),
        ("hot standby|session is read-only", STANDBY),
        ("database system|accepting connections", STARTING),
        ("invalid .*(value|option|number)", "an option in the database URL has a value of no use"),
        ("translate host name", UNKNOWN_HOST),
        ("No route|unreachable", NO_WAY),
        ("timed out|timeout", LATE),
        ("closed the connection|reset by peer", BROKEN),
    )
)
"""The first pattern that libpq's text has, without the names in quotes."""

_ELSEWHERE: Final = (
    UNREACHABLE,
    UNKNOWN_HOST,
    NO_WAY,
    CLOSED_PORT,
    LATE,
    BROKEN,
    STARTING,
    STANDBY,
)
"""Failures after which another host may let us in; the more telling come later."""
REFUSAL: Final = len(_ELSEWHERE)

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
    found = (_SENTENCES.get(refused.state[:length]) for length in (5, 3, 2))
    sentence = next(filter(None, found), "the database does not answer as it should")
    return StoreOutdated(OUTDATED) if sentence is OUTDATED else StoreUnavailable(sentence)


def unavailable_by(error: BaseException) -> StoreUnavailable:
    """The error to raise for one of the driver's, of SQLAlchemy's or of a socket's."""
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None)
    return StoreUnavailable(_why(cause)) if state is None else unavailable(Refused(state))


def how_telling(error: Exception) -> int:
    """How much a failure to connect says, `REFUSAL` at most: then no other host will do."""
    why = _why(error)
    return _ELSEWHERE.index(why) if why in _ELSEWHERE else REFUSAL


def _why(cause: BaseException) -> str:
    match cause:
        case exc.TimeoutError():  # of a pool
            return BUSY
        case TimeoutError() | psycopg.errors.ConnectionTimeout():
            return LATE
        case socket.gaierror():
            return UNKNOWN_HOST
        case OSError():
            return _BY_NUMBER.get(cause.errno or 0, UNREACHABLE)
    # Its first attempt says most: the second may be one without TLS. Names stand in quotes.
    text = re.sub('"[^"]*"', "", str(cause).partition("\n")[0])
    return next((found for pattern, found in _BY_TEXT if pattern.search(text)), UNREACHABLE)
