"""The connections of a store, for any number of threads.

1. A slot comes before a connection and is left after it, so there are never more than `size`.
2. A connection is idle only after its answer was read to the end, and else closed: a late answer
   never meets another question.
3. A thread makes new connections: no driver promises to give up in time. Either the caller takes
   the connection or the thread closes it; a lock decides which.
4. A request is tried a second time only if the server undid the first or doing both is harmless.
5. A forked child leaves its parent's connections alone.
"""

from _thread import start_new_thread
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Final, TypeVar
from weakref import WeakSet

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import Pool, QueuePool

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.stores.slots import Slot, Slots
from gatepass.stores.sql.postgres.connection import PostgresConnection
from gatepass.stores.sql.postgres.failures import (
    BUSY,
    CLOSED,
    LATE,
    unavailable,
    unavailable_by,
)
from gatepass.stores.sql.postgres.outcomes import FAILURES, TRIES, next_values
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.postgres.waiting import deadline, left, wait
from gatepass.stores.sql.postgres.wire import Refused, Row, Statement
from gatepass.stores.sql.postgres.work import Request
from gatepass.stores.steps import Steps

T = TypeVar("T")

SIZE: Final = 10
"""Connections at most, unless the engine's own pool has another size."""

DRIVERS: Final = (SQLAlchemyError, psycopg.Error, OSError)
"""The exceptions of making a connection."""


def size_of(pool: Pool) -> int:
    """How many connections an engine wants."""
    size = pool.size() if isinstance(pool, QueuePool) else 0
    return size if size > 0 else SIZE


class PostgresPool(ForkAware):
    """Idle connections, newest first, and a slot for each that is used or being made."""

    def __init__(self, engine: Engine, schema: str | None) -> None:
        sql = statements_of(schema)
        self._greeting = (sql["greet"], sql["revision"])
        self._pool = engine.pool.recreate()
        self._size = size_of(engine.pool)
        self._slots = Slots(self._size)
        self._idle: list[PostgresConnection] = []
        self._all: WeakSet[PostgresConnection] = WeakSet()  # one that an exception lost is closed
        self._closed = False
        watch_forks(self)

    def run(self, steps: Steps[T]) -> T:
        """The fact that the steps return.

        Raises:
            StoreUnavailable: A step was not done, or that was not confirmed.
            ValueError: An id is in use.
        """
        until = deadline()
        rows: list[Row] | None = None
        while True:
            try:
                request = steps.send(rows)
            except StopIteration as stop:
                fact: T = stop.value
                return fact
            if request.is_fresh:
                until = deadline()
            rows = self._ask(request, until)

    def take(self, until: float) -> PostgresConnection:
        """A connection with a slot; the caller gives up both with `leave`."""
        if self._closed:
            raise StoreUnavailable(CLOSED)
        slot = self._slots.take(until)
        if slot is None:
            raise StoreUnavailable(BUSY)
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if connection.is_usable():
                    connection.slot = slot
                    return connection
                connection.close()
        connection = self._connect(slot, until)
        try:
            wait(connection.greet(*self._greeting), connection.socket, until)
        except BaseException as error:
            self.leave(connection)
            if isinstance(error, psycopg.Error):
                raise unavailable_by(error) from error
            if isinstance(error, Refused):
                raise unavailable(error) from error
            raise
        return connection

    def leave(self, connection: PostgresConnection) -> None:
        """Close a connection that was taken, and free its slot."""
        connection.close()
        slot, connection.slot = connection.slot, None
        if slot is not None:
            self._slots.leave(slot)

    def close(self) -> None:
        """Close every connection and reject every operation from now on."""
        self._closed = True
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; the parent keeps its connections open."""
        if in_child:
            for connection in self._all:
                connection.abandon()
            self._idle, self._all = [], WeakSet()
            self._slots = Slots(self._size)
            self._pool = self._pool.recreate()

    def _ask(self, request: Request, until: float) -> list[Row]:
        """The rows that answer a request, which is tried again where that is safe."""
        values = request.values
        tries = TRIES
        while True:
            tries -= 1
            try:
                return self._try(request.statement, values, until)
            except FAILURES as failure:
                values = next_values(request, failure, is_last=not tries)

    def _try(self, statement: Statement, values: list[bytes | None], until: float) -> list[Row]:
        connection = self.take(until)
        try:
            rows = wait(connection.run(statement, values), connection.socket, until)
        except Refused:
            self._give_back(connection)
            raise
        except BaseException:  # an answer may still come over it
            self.leave(connection)
            raise
        self._give_back(connection)
        return rows

    def _connect(self, slot: Slot, until: float) -> PostgresConnection:
        """Have a thread make a connection: no driver promises to give up in time."""
        made: SimpleQueue[PostgresConnection | BaseException] = SimpleQueue()
        is_decided = Lock()  # taken by the thread that delivers, or by the caller that gives up
        try:
            # not one of `threading`, which keeps waiting for whoever started it
            start_new_thread(self._make, (slot, made, is_decided))
        except RuntimeError as error:  # there are too many
            self._slots.leave(slot)
            raise StoreUnavailable(BUSY) from error
        try:
            connection = made.get(timeout=left(until))
        except Empty:
            if is_decided.acquire(blocking=False):
                raise StoreUnavailable(LATE) from None
            connection = made.get()  # the thread is putting it there
        if isinstance(connection, BaseException):
            self._slots.leave(slot)
            if isinstance(connection, DRIVERS):
                raise unavailable_by(connection) from connection
            raise connection
        connection.slot = slot
        return connection

    def _make(
        self,
        slot: Slot,
        made: "SimpleQueue[PostgresConnection | BaseException]",
        is_decided: Lock,
    ) -> None:
        """Make a connection; close it and free its slot when the caller has given up."""
        made_now: PostgresConnection | BaseException
        try:
            made_now = PostgresConnection(self._pool.connect())
            self._all.add(made_now)
        except BaseException as error:  # noqa: BLE001 - raised by the caller
            made_now = error
        if is_decided.acquire(blocking=False):
            made.put(made_now)
            return
        if isinstance(made_now, PostgresConnection):
            made_now.close()
        self._slots.leave(slot)

    def _give_back(self, connection: PostgresConnection) -> None:
        slot, connection.slot = connection.slot, None  # whoever takes it next brings another
        self._idle.append(connection)
        if slot is not None:
            self._slots.leave(slot)
        if self._closed:
            self.close()
