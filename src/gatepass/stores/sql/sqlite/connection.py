"""One connection to SQLite, and how long it waits."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct
from sqlalchemy.pool import Pool

from gatepass.stores.sql.sqlite.file import Identity

_KEPT: Final[list[sqlite3.Connection]] = []
"""Connections that a child inherited; closing them would touch the parent's files."""


class WouldWait(Exception):
    """Another connection is in the way, and this one was told not to wait."""


class MustBeDurable(Exception):
    """The outcome of a transaction must not be committed on a `NORMAL` connection."""


class SqliteConnection:
    """A connection of ours alone, in autocommit mode, with one cursor that is used again."""

    __slots__ = (*("__weakref__", "_wait_ms", "execute", "is_durable", "log", "look_at", "raw"),)

    def __init__(self, pool: Pool, *, durable: bool, deadline: float) -> None:
        fairy = pool.connect()
        fairy.detach()
        connection: object = fairy.dbapi_connection
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError("the engine's driver must be Python's sqlite3")
        connection.isolation_level = None
        self.raw = connection
        self.execute = connection.cursor().execute
        self.is_durable = durable
        self.log: Identity | None = None
        self.look_at = 0.0
        self._wait_ms = -1
        try:
            self.wait_until(deadline)
            self.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            if durable:
                self.execute("PRAGMA fullfsync=ON")  # macOS keeps fsync in the drive's cache
        except sqlite3.Error:  # a file that is damaged or locked
            self.close()
            raise

    def wait(self, wait_ms: int) -> None:
        """Wait this long for other connections from now on."""
        if wait_ms != self._wait_ms:
            self.execute(f"PRAGMA busy_timeout={wait_ms}").fetchall()
            self._wait_ms = wait_ms

    def wait_until(self, deadline: float) -> None:
        """Wait for other connections until then, give or take a tenth of a second."""
        wait_ms = int((deadline - time.monotonic()) * 10) * 100
        if wait_ms != self._wait_ms:  # a call less
            self.wait(max(wait_ms, 0))

    def roll_back(self) -> bool:
        """End a transaction without a trace; whether the connection is fit for another."""
        with suppress(sqlite3.Error):
            self.raw.rollback()
            return not self.raw.in_transaction
        return False

    def close(self) -> None:
        """Close it; a failure to close changes nothing."""
        with suppress(sqlite3.Error):
            self.raw.close()

    def abandon(self) -> None:
        """Never touch it again, in a process that inherited it."""
        _KEPT.append(self.raw)

    def __del__(self) -> None:
        # Of a store that nobody closed. `sqlite3.Connection` refers to itself, and would keep
        # its two descriptors until the garbage collector comes.
        with suppress(AttributeError):  # it was never opened
            if self.raw not in _KEPT:
                self.close()


class Read(Struct, frozen=True):
    """One statement; its answer is its rows."""

    statement: str
    values: Mapping[str, object] = {}
    is_quick: bool = False
    """Whether it takes microseconds, so that an event loop may do it if no lock is in the way."""


class Write(Struct, frozen=True):
    """A change in a transaction of its own; its answer is what the change returns."""

    change: Callable[[SqliteConnection], Any]
    durable: bool = True
    """Whether the commit has to be; if not, the change may raise `MustBeDurable` to run again."""
