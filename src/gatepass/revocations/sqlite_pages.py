"""Reading a page of a SQLite file's revocation log."""

from collections.abc import Callable
from typing import Final

from gatepass.errors import StoreUnavailable
from gatepass.revocations.log import LogPage, RevocationLog
from gatepass.sessions.session import SKEW_MS
from gatepass.stores.sql.sqlite_changes import SQL
from gatepass.stores.sql.sqlite_connection import SqliteConnection

_PAGE: Final = 500


def read_page(
    connection: SqliteConnection, log: RevocationLog, store_ms: Callable[[], int]
) -> LogPage:
    """What follows on what was read of a log, by an open connection.

    Args:
        connection: To the file.
        log: What was read so far.
        store_ms: The store's clock.

    Raises:
        StoreUnavailable: The file has no log any more.
        sqlite3.Error: It cannot be read.
    """
    states = connection.cursor.execute(SQL.log_state).fetchall()
    if len(states) != 1:
        log.alarm.sound("no log", len(log.denylist))
        raise StoreUnavailable("the revocation log is gone")
    [(identity, longest_access_ms, head)] = states
    values = {"cursor": log.cursor, "size": _PAGE}
    entries = connection.cursor.execute(SQL.log_page, values).fetchall()
    return LogPage(
        identity=identity,
        head=head or 0,
        store_ms=store_ms(),
        retention_ms=longest_access_ms + SKEW_MS,
        entries=entries,
        is_last=len(entries) < _PAGE,
    )
