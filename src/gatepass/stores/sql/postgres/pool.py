"""The connections of a store, for any number of threads."""

import threading
from concurrent.futures import Future
from typing import Final, TypeVar

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import Pool, QueuePool

from gatepass.errors import StoreUnavailable
from gatepass.stores.forks import watch_forks
from gatepass.stores.sql.postgres.connection import PostgresConnection
from gatepass.stores.sql.postgres.failures import BUSY, CLOSED, LATE, UNREACHABLE, unavailable
from gatepass.stores.sql.postgres.outcomes import FAILURES, TRIES, next_values
from gatepass.stores.sql.postgres.requests import Request
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.postgres.waiting import left, wait
from gatepass.stores.sql.postgres.wire import Refused, Row, Statement

T = TypeVar("T")

SIZE: Final = 10
"""Connections at most, unless the engine's own pool has another size."""

DRIVERS: Final = (SQLAlchemyError, psycopg.Error, OSError)
"""What making a connection may raise."""


def size_of(pool: Pool) -> int:
    """How many connections an engine wants."""
    size = pool.size() if isinstance(pool, QueuePool) else 0
    return size if size > 0 else SIZE


class PostgresPool:
    """Idle connections, newest first, and a place for each that is used or being made."""

    def __init__(self, engine: Engine, schema: str | None) -> None:
        sql = statements_of(schema)
        self._greeting = (sql["greet"], sql["revision"])
        self._pool = engine.pool.recreate()
        self._size = size_of(engine.pool)
        self._places = threading.Semaphore(self._size)
        self._idle: list[PostgresConnection] = []
        self._all: set[PostgresConnection] = set()
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

    def leave(self, connection: PostgresConnection) -> None:
        """Close a connection that was taken, and free its place."""
        self._drop(connection)
        self._places.release()

    def close(self) -> None:
        """Close every connection and refuse everything from now on."""
        self._closed = True
        while (connection := self._pop()) is not None:
            self._drop(connection)

    def before_fork(self) -> None:
        """See `ForkAware`; connections stay open, they are the parent's."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            for connection in self._all:
                connection.abandon()
            self._idle, self._all = [], set()
            self._places = threading.Semaphore(self._size)
            self._pool = self._pool.recreate()

    def _try(self, statement: Statement, values: list[bytes | None], until: float) -> list[Row]:
        places = self._places
        connection = self.take(until)
        try:
            rows = wait(connection.run(statement, values), connection.socket, until)
        except Refused:
            self._give_back(connection)
            raise
        except BaseException:
            self._drop(connection)
            raise
        else:
            self._give_back(connection)
            return rows
        finally:
            places.release()

    def take(self, until: float) -> PostgresConnection:
        """A connection, and the place that it takes; whoever keeps it leaves it in the end."""
        if self._closed:
            raise StoreUnavailable(CLOSED)
        if not self._places.acquire(timeout=left(until)):
            raise StoreUnavailable(BUSY)
        while (connection := self._pop()) is not None:
            if connection.is_usable():
                return connection
            self._drop(connection)
        connection = self._connect(until)
        self._all.add(connection)
        try:
            wait(connection.greet(*self._greeting), connection.socket, until)
        except BaseException as error:
            self._drop(connection)
            self._places.release()
            if isinstance(error, psycopg.Error):
                raise StoreUnavailable(UNREACHABLE) from error
            if isinstance(error, Refused):
                raise unavailable(error) from error
            raise
        return connection

    def _connect(self, until: float) -> PostgresConnection:
        """A new connection, made in a thread: no driver promises to give up in time."""
        made: Future[PostgresConnection] = Future()
        try:
            threading.Thread(target=_make, args=(self._pool, made), daemon=True).start()
        except RuntimeError:  # there are too many
            made.set_exception(StoreUnavailable(BUSY))
        try:
            return made.result(left(until))
        except BaseException as error:
            made.add_done_callback(self._come_late)
            if isinstance(error, DRIVERS):
                raise StoreUnavailable(LATE if made.running() else UNREACHABLE) from error
            raise

    def _come_late(self, made: Future[PostgresConnection]) -> None:
        """Nobody waits for this connection any more; its place is free when that is known."""
        if made.exception() is None:
            made.result().close()
        self._places.release()

    def _pop(self) -> PostgresConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _give_back(self, connection: PostgresConnection) -> None:
        self._idle.append(connection)
        if self._closed:
            self.close()

    def _drop(self, connection: PostgresConnection) -> None:
        self._all.discard(connection)
        connection.close()


def _make(pool: Pool, made: Future[PostgresConnection]) -> None:
    made.set_running_or_notify_cancel()
    try:
        made.set_result(PostgresConnection(pool.connect()))
    except BaseException as error:  # noqa: BLE001 - raised where it is waited for
        made.set_exception(error)
