"""The connections to one SQLite file: reads that wait for nobody, one writer at a time.

Writes go through two connections, since `synchronous` cannot change inside a transaction:
NORMAL for what heals when lost, FULL for what is acknowledged only when durable.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from sqlite3 import Cursor, Error
from typing import Final, TypeVar
from weakref import WeakSet

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.stores.deadline import DEADLINE, find_deadline
from gatepass.stores.slots import Slot, Slots
from gatepass.stores.sql.sqlite.connection import (
    MustBeDurable,
    SqliteConnection,
    WouldWait,
    is_busy,
    unavailable,
)
from gatepass.stores.sql.sqlite.file import SqliteFile
from gatepass.stores.sql.sqlite.setup import set_up

T = TypeVar("T")

_FORK_WAIT_S: Final = 2.5
_CLOSED: Final = "the store is closed"
_LOCKED: Final = "the database is locked"


class SqliteDatabase(ForkAware):
    """One file, usable from many threads; other processes use it at the same time."""

    def __init__(self, engine: Engine) -> None:
        self.file = SqliteFile(engine.url)
        self._pool = engine.pool.recreate()
        self.closed = False
        self.on_close: list[Callable[[], None]] = []
        self._is_set_up = False
        self._set_up_s = 0.0
        self._writing, self._opening = Slots(1), Slots(1)
        self._held_by_fork: list[tuple[Slots, Slot | None]] = []
        self._writers: dict[bool, SqliteConnection] = {}
        self._idle: list[SqliteConnection] = []
        self._readers: WeakSet[SqliteConnection] = WeakSet()  # one that an exception lost is closed
        watch_forks(self)

    def try_read(self, query: Callable[[Cursor], T]) -> T:
        """What the query finds, without waiting for anybody.

        Raises:
            WouldWait: A lock is in the way, or there is no connection yet.
            StoreUnavailable: The database cannot be read.
        """
        if self.closed:
            raise StoreUnavailable(_CLOSED)
        try:
            reader = self._idle.pop()
        except IndexError:
            raise WouldWait from None
        return self._ask(reader, query)

    def read(self, query: Callable[[Cursor], T]) -> T:
        """What the query finds, waiting for a lock if it must.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        with suppress(WouldWait):
            return self.try_read(query)
        deadline = self._begin()
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = self.open_reader(deadline)
            self._readers.add(reader)
        reader.wait_until(deadline)
        try:
            return self._ask(reader, query)
        except WouldWait as error:
            raise StoreUnavailable(_LOCKED) from error

    def write(self, change: Callable[[Cursor, bool], T], *, durable: bool) -> T:
        """Run a change in a transaction that has the write lock from its first statement.

        The change is told whether its commit will be durable; it may raise `MustBeDurable`, to be
        rolled back and run again on the connection whose commits are.

        Raises:
            StoreUnavailable: The change was not made, or not confirmed.
        """
        deadline = self._begin()
        writing = self._writing
        slot = writing.take(deadline)
        if slot is None:
            raise StoreUnavailable(_LOCKED)
        try:
            if not durable:
                try:  # `suppress` costs a rotation a microsecond
                    return self._transact(change, durable=False, deadline=deadline)
                except MustBeDurable:
                    pass
            return self._transact(change, durable=True, deadline=deadline)
        finally:
            writing.leave(slot)

    def open_reader(self, deadline: float) -> SqliteConnection:
        """A new connection for the caller to use and close; it has yet to be told to wait."""
        return self._open(durable=False, deadline=deadline)

    def close(self) -> None:
        """Close every connection and refuse everything from now on."""
        self.closed = True
        for close in self.on_close:
            close()
        with suppress(StoreUnavailable):
            self._writing.run(self._close_idle, find_deadline(), busy=_LOCKED)

    def before_fork(self) -> None:
        """See `ForkAware`."""
        deadline = time.monotonic() + _FORK_WAIT_S
        self._held_by_fork = [
            (slots, slots.take(deadline))  # or do without
            for slots in (self._writing, self._opening)
        ]
        self._close_idle()
        while self._readers and time.monotonic() < deadline:
            time.sleep(0.001)
            self._close_idle()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if not in_child:
            for slots, slot in self._held_by_fork:
                if slot is not None:
                    slots.leave(slot)
            self._held_by_fork = []
            return
        for connection in (*self._writers.values(), *self._readers):
            connection.abandon()
        self._writers, self._idle, self._readers = {}, [], WeakSet()
        self._writing, self._opening = Slots(1), Slots(1)

    def _begin(self) -> float:
        """When this operation must stop waiting; a first use gets the file ready before."""
        if not self._is_set_up:
            deadline = find_deadline()
            self._keep(self.open_reader(deadline))
            deadline += self._set_up_s  # is work; all waiting together stays within the limit
            if DEADLINE.get() is not None:
                DEADLINE.set(deadline)
            return deadline
        return find_deadline()

    def _keep(self, reader: SqliteConnection) -> None:
        self._readers.add(reader)
        self._give_back(reader)

    def _ask(self, reader: SqliteConnection, query: Callable[[Cursor], T]) -> T:
        try:
            answer = query(reader.cursor)
            self.file.require_both(reader.log)
        except Error as error:
            if is_busy(error):
                self._give_back(reader)
                raise WouldWait from error
            self._discard(reader)
            raise unavailable(error) from error
        except BaseException:
            self._discard(reader)
            raise
        self._give_back(reader)
        return answer

    def _give_back(self, reader: SqliteConnection) -> None:
        reader.wait(0)
        self._idle.append(reader)
        if self.closed:
            self._close_idle()

    def _discard(self, reader: SqliteConnection) -> None:
        self._readers.discard(reader)
        reader.close()

    def _transact(
        self, change: Callable[[Cursor, bool], T], *, durable: bool, deadline: float
    ) -> T:
        writer = self._writers.get(durable)
        if writer is None:
            writer = self._writers[durable] = self._open(durable=durable, deadline=deadline)
        elif self.closed:
            raise StoreUnavailable(_CLOSED)
        if writer.raw.in_transaction:  # whoever was interrupted could not even roll back
            writer.roll_back()
        try:
            writer.wait_until(deadline)
            writer.cursor.execute("BEGIN IMMEDIATE")
            answer = change(writer.cursor, durable)
            writer.cursor.execute("COMMIT")
            self.file.require_both(writer.log)
        except Error as error:
            if not (writer.roll_back() and is_busy(error)):
                self._writers.pop(durable).close()
            raise unavailable(error) from error
        except MustBeDurable:
            writer.roll_back()
            raise
        except BaseException:
            self._writers.pop(durable).close()  # which rolls back
            raise
        return answer

    def _open(self, *, durable: bool, deadline: float) -> SqliteConnection:
        """A connection to the file that was there from the first, tables up to date."""
        work = partial(self._open_now, durable=durable, deadline=deadline)
        return self._opening.run(work, deadline, busy=_LOCKED)

    def _open_now(self, *, durable: bool, deadline: float) -> SqliteConnection:
        if self.closed:
            raise StoreUnavailable(_CLOSED)
        self.file.prepare()
        if self._is_set_up:
            self.file.require_same()
        try:
            connection = SqliteConnection(self._pool, durable=durable, deadline=deadline)
        except (Error, SQLAlchemyError) as error:
            raise unavailable(error) from error
        try:
            if not self._is_set_up:
                self._set_up_s = set_up(connection, deadline)
                self._is_set_up = True
            connection.cursor.execute("SELECT 1 FROM gatepass_meta").fetchall()
            connection.log = self.file.find_log()
            self.file.require_same()
        except BaseException as error:
            connection.close()
            if isinstance(error, (Error, SQLAlchemyError)):
                raise unavailable(error) from error
            raise
        return connection

    def _close_idle(self) -> None:
        """Close what nobody is using; the caller holds the write lock or does not care."""
        while self._writers:
            self._writers.popitem()[1].close()
        while self._idle:
            with suppress(IndexError):
                self._discard(self._idle.pop())
