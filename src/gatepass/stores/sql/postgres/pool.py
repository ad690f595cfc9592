"""The connections of a store, for any number of threads."""

import _thread
from threading import Lock
from typing import Final, TypeVar

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import Pool, QueuePool

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.stores.places import Places, Seat, move
from gatepass.stores.sql.postgres.connection import PostgresConnection
from gatepass.stores.sql.postgres.failures import BUSY, CLOSED, LATE, UNREACHABLE, unavailable
from gatepass.stores.sql.postgres.outcomes import FAILURES, TRIES, next_values
from gatepass.stores.sql.postgres.requests import Request
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.postgres.waiting import left, wait
from gatepass.stores.sql.postgres.wire import Exchange, Refused, Row, Statement

T = TypeVar("T")

SIZE: Final = 10
"""Connections at most, unless the engine's own pool has another size."""

DRIVERS: Final = (SQLAlchemyError, psycopg.Error, OSError)
"""What making a connection may raise."""


def size_of(pool: Pool) -> int:
    """How many connections an engine wants."""
    size = pool.size() if isinstance(pool, QueuePool) else 0
    return size if size > 0 else SIZE


class PostgresPool(ForkAware):
    """Idle connections, newest first, and a place for each that is used or being made."""

    def __init__(self, engine: Engine, schema: str | None) -> None:
        sql = statements_of(schema)
        self._greeting = (sql["greet"], sql["revision"])
        self._pool = engine.pool.recreate()
        self._size = size_of(engine.pool)
        self._places = Places(self._size, close=PostgresConnection.close)
        self._idle: list[PostgresConnection] = []
        self._kept: dict[PostgresConnection, Seat[PostgresConnection]] = {}
        self._closed = False
        watch_forks(self)

    def run(self, request: Request[T], until: float) -> T:
        """What a request comes to.

        Raises:
            StoreUnavailable: It was not done, or that was not confirmed.
            ValueError: An id is in use.
        """
        values = request.values
        tries = TRIES
        while True:
            tries -= 1
            try:
                return request.read(self._try(request.statement, values, until))
            except FAILURES as failure:
                values = next_values(request, failure, is_last=not tries)

    def take(self, until: float) -> PostgresConnection:
        """A connection, and the place that it takes; whoever keeps it leaves it in the end."""
        seat: Seat[PostgresConnection] = Seat()
        seat.used.acquire()
        places = self._places
        try:
            connection = self._take(places, seat, until)
            self._kept[connection] = seat
        except BaseException:
            places.leave(seat)
            seat.used.release()
            raise
        return connection

    def leave(self, connection: PostgresConnection) -> None:
        """Close a connection that was taken, and free its place."""
        connection.close()
        seat = self._kept.pop(connection, None)
        if seat is not None:
            self._places.leave(seat)
            seat.used.release()

    def close(self) -> None:
        """Close every connection and refuse everything from now on."""
        self._closed = True
        self._places.tidy()
        closing: Seat[PostgresConnection] = Seat()
        while move(self._idle, closing.held):
            self._places.leave(closing)

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; the parent keeps its connections open."""
        if in_child:
            for connection in (*self._idle, *self._places.forget()):
                connection.abandon()
            self._idle, self._kept = [], {}
            self._places = Places(self._size, close=PostgresConnection.close)
            self._pool = self._pool.recreate()

    def _try(self, statement: Statement, values: list[bytes | None], until: float) -> list[Row]:
        places = self._places
        seat: Seat[PostgresConnection] = Seat()
        with seat.used:
            try:
                connection = self._take(places, seat, until)
                return self._ask(seat, connection.run(statement, values), until)
            finally:
                places.leave(seat)  # and close what was not given back

    def _ask(self, seat: Seat[PostgresConnection], exchange: Exchange, until: float) -> list[Row]:
        try:
            rows = wait(exchange, seat.held[-1].socket, until)
        except Refused:
            self._give_back(seat)
            raise
        self._give_back(seat)
        return rows

    def _take(
        self, places: Places[PostgresConnection], seat: Seat[PostgresConnection], until: float
    ) -> PostgresConnection:
        if self._closed:
            raise StoreUnavailable(CLOSED)
        if not places.take(seat, until):
            raise StoreUnavailable(BUSY)
        held = seat.held
        while move(self._idle, held):
            if held[-1].is_usable():
                return held[-1]
            held[-1].close()
        places.tidy()  # who was interrupted may have left a connection open
        self._connect(places, seat, until)
        connection = held[-1]
        try:
            wait(connection.greet(*self._greeting), connection.socket, until)
        except psycopg.Error as error:
            raise StoreUnavailable(UNREACHABLE) from error
        except Refused as refused:
            raise unavailable(refused) from refused
        return connection

    def _connect(
        self, places: Places[PostgresConnection], seat: Seat[PostgresConnection], until: float
    ) -> None:
        """Have a thread make a connection: no driver promises to give up in time."""
        making = _Making(self._pool, places, seat)
        try:
            # not one of `threading`, which keeps waiting for whoever started it
            _thread.start_new_thread(making.run, ())
        except RuntimeError as error:  # there are too many
            raise StoreUnavailable(BUSY) from error
        if not making.is_done.acquire(timeout=left(until)):
            raise StoreUnavailable(LATE)
        if making.error is not None:
            if isinstance(making.error, DRIVERS):
                raise StoreUnavailable(UNREACHABLE) from making.error
            raise making.error

    def _give_back(self, seat: Seat[PostgresConnection]) -> None:
        move(seat.held, self._idle)
        if self._closed:
            self.close()


class _Making:
    """A connection that a thread makes for a seat, whose place it takes until that is done."""

    def __init__(
        self, pool: Pool, places: Places[PostgresConnection], seat: Seat[PostgresConnection]
    ) -> None:
        self._pool = pool
        self._places = places
        self._seat = seat
        self.error: BaseException | None = None
        self.is_done = Lock()
        self.is_done.acquire()
        self._lock = seat.making = Lock()

    def run(self) -> None:
        """Make it, and see to it that somebody closes it when nobody waits for it any more."""
        with self._lock:
            try:
                self._seat.held.append(PostgresConnection(self._pool.connect()))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                self.error = error
        self.is_done.release()
        if self._seat.is_over():
            self._places.leave(self._seat)
