"""The connections of an async store: each event loop has its own."""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Final, TypeVar

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.stores.sql.postgres.connection import PostgresConnection
from gatepass.stores.sql.postgres.failures import (
    BUSY,
    CLOSED,
    LATE,
    unavailable,
    unavailable_by,
)
from gatepass.stores.sql.postgres.outcomes import FAILURES, TRIES, next_values
from gatepass.stores.sql.postgres.pool import DRIVERS, size_of
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.postgres.waiting import deadline, left, wait_async
from gatepass.stores.sql.postgres.wire import Refused, Row, Statement
from gatepass.stores.sql.postgres.work import Request
from gatepass.stores.steps import Steps

T = TypeVar("T")

_PAUSE_S: Final = 0.01


@dataclass(slots=True)
class _Loop:
    """The connections and slots of one event loop."""

    slots: asyncio.Semaphore
    idle: list[PostgresConnection] = field(default_factory=list)
    all: set[PostgresConnection] = field(default_factory=set)

    def drop(self, connection: PostgresConnection) -> None:
        self.all.discard(connection)
        connection.close()


class AsyncPostgresPool(ForkAware):
    """`PostgresPool` for `await`; a loop that is closed loses its connections to nobody."""

    def __init__(self, engine: AsyncEngine, schema: str | None) -> None:
        sql = statements_of(schema)
        self._greeting = (sql["greet"], sql["revision"])
        self._pool = engine.sync_engine.pool.recreate()
        self._size = size_of(engine.sync_engine.pool)
        self._loops: dict[asyncio.AbstractEventLoop, _Loop] = {}
        self._closed = False
        # SQLAlchemy's lock around an engine's first connection must not be met by two loops
        self._is_introduced = False
        self._introducing = threading.Lock()
        watch_forks(self)

    async def run(self, steps: Steps[T]) -> T:
        """See `PostgresPool.run`."""
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
            rows = await self._ask(request, until)

    async def take(self, until: float) -> PostgresConnection:
        """See `PostgresPool.take`; it belongs to the running loop."""
        return await self._take(self._here(), until)

    def leave(self, connection: PostgresConnection) -> None:
        """See `PostgresPool.leave`."""
        here = self._here()
        here.drop(connection)
        here.slots.release()

    async def close(self) -> None:
        """See `PostgresPool.close`; any loop may be running."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        for loop in list(self._loops):
            for connection in list(self._loops[loop].idle):
                self._loops[loop].drop(connection)
            self._loops[loop].idle.clear()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; the parent keeps its connections open."""
        if in_child:
            for of_loop in self._loops.values():
                for connection in of_loop.all:
                    connection.abandon()
            self._loops = {}
            self._introducing = threading.Lock()
            self._pool = self._pool.recreate()

    async def _ask(self, request: Request, until: float) -> list[Row]:
        values = request.values
        tries = TRIES
        while True:
            tries -= 1
            try:
                return await self._try(request.statement, values, until)
            except FAILURES as failure:
                values = next_values(request, failure, is_last=not tries)

    async def _try(
        self, statement: Statement, values: list[bytes | None], until: float
    ) -> list[Row]:
        here = self._here()
        connection = await self._take(here, until)
        try:
            rows = await wait_async(connection.run(statement, values), connection.socket, until)
        except Refused:
            self._give_back(here, connection)
            raise
        except BaseException:
            here.drop(connection)
            raise
        else:
            self._give_back(here, connection)
            return rows
        finally:
            here.slots.release()

    def _here(self) -> _Loop:
        """The state of the running loop; connections of closed loops are closed."""
        loop = asyncio.get_running_loop()
        here = self._loops.get(loop)
        if here is None:
            for other in [other for other in list(self._loops) if other.is_closed()]:
                gone = self._loops.pop(other, None)
                for connection in [] if gone is None else list(gone.all):
                    connection.close()
            here = self._loops[loop] = _Loop(asyncio.Semaphore(self._size))
        return here

    async def _take(self, here: _Loop, until: float) -> PostgresConnection:
        """A connection, and the slot that it takes."""
        if self._closed:
            raise StoreUnavailable(CLOSED)
        try:
            async with asyncio.timeout(left(until) if here.slots.locked() else None):
                await here.slots.acquire()
        except TimeoutError:
            raise StoreUnavailable(BUSY) from None
        while here.idle:
            connection = here.idle.pop()
            if connection.is_usable():
                return connection
            here.drop(connection)
        connection = await self._connect(here, until)
        here.all.add(connection)
        try:
            await wait_async(connection.greet(*self._greeting), connection.socket, until)
        except BaseException as error:
            here.drop(connection)
            here.slots.release()
            if isinstance(error, psycopg.Error):
                raise unavailable_by(error) from error
            if isinstance(error, Refused):
                raise unavailable(error) from error
            raise
        return connection

    async def _connect(self, here: _Loop, until: float) -> PostgresConnection:
        """A new connection; one that comes late is closed when it comes."""
        making = asyncio.ensure_future(self._make(until))

        def come_late(made: asyncio.Future[PostgresConnection]) -> None:
            if not made.cancelled() and made.exception() is None:
                made.result().close()
            here.slots.release()

        try:
            async with asyncio.timeout(left(until)):
                return await asyncio.shield(making)
        except BaseException as error:
            making.add_done_callback(come_late)
            if isinstance(error, DRIVERS):
                raise (
                    unavailable_by(error) if making.done() else StoreUnavailable(LATE)
                ) from error
            raise

    async def _make(self, until: float) -> PostgresConnection:
        if self._is_introduced:
            return PostgresConnection(await greenlet_spawn(self._pool.connect))
        while not self._introducing.acquire(blocking=False):
            await asyncio.sleep(min(_PAUSE_S, left(until)))
            if not left(until):
                raise TimeoutError
        try:
            made = PostgresConnection(await greenlet_spawn(self._pool.connect))
        finally:
            self._introducing.release()
        self._is_introduced = True
        return made

    def _give_back(self, here: _Loop, connection: PostgresConnection) -> None:
        here.idle.append(connection)
        if self._closed:
            self._close_idle()
