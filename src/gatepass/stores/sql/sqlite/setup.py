"""The first use of a SQLite file: write-ahead log on, tables made or brought up to date."""

import sqlite3
import time
from typing import Final

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from gatepass.errors import StoreUnavailable
from gatepass.stores.sql.sqlite.connection import SqliteConnection
from gatepass.stores.sql.sqlite.failures import is_busy
from gatepass.stores.sql.tables import HEAD, VERSION_TABLE

_PAUSE_S: Final = 0.01


def set_up(connection: SqliteConnection, deadline: float) -> float:
    """Make a new file, or one of an older release, ready for use; seconds of work besides waiting.

    Any number of processes may do this to one file at once.

    Raises:
        StoreUnavailable: The tables are of a newer release, or from before the first one.
        sqlite3.Error: The driver's, for the caller to translate.
    """
    _turn_on_log(connection, deadline)
    return 0.0 if _is_current(connection) else _upgrade(connection, deadline)


def _turn_on_log(connection: SqliteConnection, deadline: float) -> None:
    """Switch to WAL, once in a file's life; SQLite does not wait for others by itself here."""
    while connection.execute("PRAGMA journal_mode").fetchall() != [("wal",)]:
        try:
            [(mode,)] = connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            if mode != "wal":
                raise StoreUnavailable("the database cannot keep a write-ahead log")


def _is_current(connection: SqliteConnection) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name"
    if not connection.execute(query, {"name": VERSION_TABLE}).fetchall():
        return False
    rows = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()  # noqa: S608
    return rows == [(HEAD,)]


def _upgrade(connection: SqliteConnection, deadline: float) -> float:
    """Run the migrations, all or none, while nobody else can write; what that took."""
    began = time.monotonic()
    # Alembic takes a tenth of a second to import, and only a new file needs it.
    from gatepass.stores.sql.upgrade import upgrade_tables  # noqa: PLC0415

    raw = connection.raw  # the engine refers to itself, and must not keep ours from closing
    engine = create_engine(
        "sqlite://", creator=lambda: raw, poolclass=StaticPool, hide_parameters=True
    )
    with engine.connect() as wrapped:
        waits = time.monotonic()
        connection.wait_until(deadline + waits - began)
        wrapped.exec_driver_sql("BEGIN IMMEDIATE")
        has_waited_s = time.monotonic() - waits
        if not _is_current(connection):  # another process may have done it meanwhile
            upgrade_tables(wrapped)
        wrapped.exec_driver_sql("COMMIT")
    return time.monotonic() - began - has_waited_s
