"""The connections to one SQLite file: reads that wait for nobody, one writer at a time.

1. The file has a write-ahead log. A read is one statement on a connection that no other thread
   uses: it sees the commits until it began. A writer never makes it wait.
2. A change begins with `BEGIN IMMEDIATE`, which takes the file's only write lock. So everything
   that the change reads stays true until its commit, whichever process writes. Threads of this
   process queue for a slot first: SQLite itself polls for the lock, and in no order.
3. Two connections write, since `synchronous` cannot change inside a transaction. A commit on the
   `FULL` one reaches the disk before it is acknowledged, with all commits before it: logins,
   revocations and detected reuse. A commit on the `NORMAL` one can be lost when the machine loses
   power. That is for rotations and opaque tokens alone: after a lost rotation the client's token
   is a generation ahead of the row, which `gatepass.sessions.rotate` accepts, and a lost opaque
   token is rejected.
4. A change that finds on the `NORMAL` connection that it must be durable raises `MustBeDurable`.
   It is rolled back, and runs again on the other one, on the rows of that moment.
5. After each read and each commit, the file and its log must still be those that the connection
   opened. Otherwise others no longer see them, and the operation fails. A commit on the `NORMAL`
   connection looks unless it did ten milliseconds ago: a look costs it a fifth of its time. A lost
   rotation heals, and each check of a token looks by itself.
6. An exception in a change rolls it back or closes its connection, so nothing of it stays. An
   error after `COMMIT` was sent means "not confirmed", not "not done".
7. All waiting of an operation, for slots and for locks, ends at one deadline. A migration is work
   and extends the deadline by the time that it took.
8. SQLite keeps locks per process, so a connection must not live through a fork. Before one,
   all operations end and all connections are closed; the child never touches one that was not.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from sqlite3 import Error
from typing import Any, Final, TypeVar
from weakref import WeakSet

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.stores.deadline import DEADLINE, find_deadline
from gatepass.stores.slots import Slot, Slots
from gatepass.stores.sql.sqlite.connection import (
    MustBeDurable,
    Read,
    SqliteConnection,
    WouldWait,
    Write,
)
from gatepass.stores.sql.sqlite.failures import is_busy, unavailable
from gatepass.stores.sql.sqlite.file import SqliteFile
from gatepass.stores.sql.sqlite.setup import set_up
from gatepass.stores.steps import Steps

T = TypeVar("T")

_FORK_WAIT_S: Final = 2.5
_CLOSED: Final = "the store is closed"
_LOCKED: Final = "the database is locked"
_LOOK_S: Final = 0.01
"""Seconds between two looks of rotations at the file and its log, see rule 5."""


class SqliteDatabase(ForkAware):
    """One file, usable from many threads; other processes use it at the same time."""

    def __init__(self, engine: Engine) -> None:
        self._file = SqliteFile(engine.url)
        self._pool = engine.pool.recreate()
        self._closed = False
        self._is_set_up = False
        self._set_up_s = 0.0
        self._writing, self._opening = Slots(1), Slots(1)
        self._held_by_fork: list[tuple[Slots, Slot | None]] = []
        self._writers: dict[bool, SqliteConnection] = {}
        self._idle: list[SqliteConnection] = []
        self._readers: WeakSet[SqliteConnection] = WeakSet()  # one that an exception lost is closed
        watch_forks(self)

    def run(self, steps: Steps[T], step: Read | Write | None = None) -> T:
        """The fact that an operation's steps return; `step` was taken already, if given."""
        answer: Any = None
        while True:
            if step is not None:
                answer = self.write(step) if isinstance(step, Write) else self.read(step)
            try:
                step = steps.send(answer)
            except StopIteration as end:
                fact: T = end.value
                return fact

    def try_read(self, read: Read) -> list[Any]:
        """The rows that a statement finds, without waiting for anybody.

        Raises:
            WouldWait: A lock is in the way, or there is no connection yet.
            StoreUnavailable: The database cannot be read.
        """
        if self._closed:
            raise StoreUnavailable(_CLOSED)
        try:
            reader = self._idle.pop()
        except IndexError:
            raise WouldWait from None
        return self._ask(reader, read)

    def read(self, read: Read) -> list[Any]:
        """The rows that a statement finds, waiting for a lock if it must.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        try:  # `suppress` costs a check or a rotation a microsecond
            return self.try_read(read)
        except WouldWait:
            pass
        deadline = self._begin()
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = self._new_reader(deadline)
        reader.wait_until(deadline)
        try:
            return self._ask(reader, read)
        except WouldWait as error:
            raise StoreUnavailable(_LOCKED) from error

    def write(self, write: Write) -> Any:
        """The answer of a change, which is committed.

        Raises:
            StoreUnavailable: The change was not made, or not confirmed.
        """
        deadline = self._begin()
        writing = self._writing
        slot = writing.take(deadline)
        if slot is None:
            raise StoreUnavailable(_LOCKED)
        try:
            if not write.durable:
                try:
                    return self._transact(write.change, durable=False, deadline=deadline)
                except MustBeDurable:
                    pass
            return self._transact(write.change, durable=True, deadline=deadline)
        finally:
            writing.leave(slot)

    def close(self) -> None:
        """Close every connection and reject everything from now on."""
        self._closed = True
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
        deadline = find_deadline()
        if not self._is_set_up:
            self._give_back(self._new_reader(deadline))
            deadline += self._set_up_s
            if DEADLINE.get() is not None:
                DEADLINE.set(deadline)
        return deadline

    def _new_reader(self, deadline: float) -> SqliteConnection:
        reader = self._open(durable=False, deadline=deadline)
        self._readers.add(reader)
        return reader

    def _ask(self, reader: SqliteConnection, read: Read) -> list[Any]:
        try:
            rows = reader.execute(read.statement, read.values).fetchall()
            self._file.require_both(reader.log)
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
        return rows

    def _give_back(self, reader: SqliteConnection) -> None:
        reader.wait(0)
        self._idle.append(reader)
        if self._closed:
            self._close_idle()

    def _discard(self, reader: SqliteConnection) -> None:
        self._readers.discard(reader)
        reader.close()

    def _transact(
        self, change: Callable[[SqliteConnection], T], *, durable: bool, deadline: float
    ) -> T:
        writer = self._writers.get(durable)
        if writer is None:
            writer = self._writers[durable] = self._open(durable=durable, deadline=deadline)
        elif self._closed:
            raise StoreUnavailable(_CLOSED)
        if writer.raw.in_transaction:  # whoever was interrupted could not even roll back
            writer.roll_back()
        try:
            writer.wait_until(deadline)
            writer.execute("BEGIN IMMEDIATE")
            answer = change(writer)
            writer.execute("COMMIT")
            if durable or time.monotonic() >= writer.look_at:
                self._file.require_both(writer.log)
                writer.look_at = time.monotonic() + _LOOK_S
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
        if self._closed:
            raise StoreUnavailable(_CLOSED)
        self._file.prepare()
        if self._is_set_up:
            self._file.require_same()
        try:
            connection = SqliteConnection(self._pool, durable=durable, deadline=deadline)
        except (Error, SQLAlchemyError) as error:
            raise unavailable(error) from error
        try:
            if not self._is_set_up:
                self._set_up_s = set_up(connection, deadline)
                self._is_set_up = True
            connection.execute("SELECT 1 FROM gatepass_meta").fetchall()
            connection.log = self._file.find_log()
            self._file.require_same()
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
