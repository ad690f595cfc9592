"""Reads PostgreSQL's log over a connection of its own; the twins share the cursor.

A notification only wakes the reader. Where none comes (`prepare_threshold=None` declares a
connection pooler, through which the reader does not `LISTEN`) it reads a few times in each
`max_staleness`.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_ms, steady_now
from gatepass.revocations.snapshots import NEVER_MS, PAGE, SnapshotCursor
from gatepass.revocations.state import ReplicaState
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from gatepass.stores.sql.postgres.async_pool import AsyncPostgresPool
from gatepass.stores.sql.postgres.connection import PostgresConnection
from gatepass.stores.sql.postgres.failures import LATE, UNREACHABLE, Late, Lost, unavailable
from gatepass.stores.sql.postgres.pool import PostgresPool
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.postgres.waiting import deadline, wait, wait_async
from gatepass.stores.sql.postgres.wire import Exchange, Refused, Row

_FAILURES = (Late, Lost, Refused)


class _Reading:
    """What both twins' readers ask, and what they make of the answers."""

    def __init__(self, store: SqlStore | AsyncSqlStore, cursor: SnapshotCursor) -> None:
        sql = statements_of(store.schema)
        self._listen, self._read_on = sql["listen"], sql["read_log"]
        self._read_back = sql["read_log_back"]
        self._clock = store.clock
        self._cursor = cursor
        self._connection: PostgresConnection | None = None
        self._pid = os.getpid()

    def _ask(self, connection: PostgresConnection) -> Exchange:
        seen, since_ms, *after_and_newest = self._cursor.values()
        now_ms = None if self._clock is None else int(self._clock() * 1000)
        values = (seen, since_ms, *after_and_newest, now_ms, PAGE)
        statement = self._read_on if since_ms == NEVER_MS else self._read_back
        return connection.run(statement, statement.encode(values))

    def _subscribe(self, connection: PostgresConnection) -> Exchange:
        """Ask to be woken; through a pooler whoever uses that connection next would be."""
        if connection.is_shared:
            return []
        return (yield from connection.run(self._listen, []))

    def _take(self, rows: list[Row]) -> bool:
        return self._cursor.take(rows, steady_ms())

    def _lost(self, failure: Exception) -> StoreUnavailable:
        """What a failure means; the next read begins anew."""
        self._cursor.step_back()
        match failure:
            case StoreUnavailable():
                return failure
            case Refused():
                return unavailable(failure)
            case _:
                return StoreUnavailable(LATE if isinstance(failure, Late) else UNREACHABLE)

    def abandon(self) -> None:
        """Let go of the connection; the parent's is left to the pool, which knows of the fork."""
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            connection.close()


class PostgresReader(_Reading):
    """Reads in the thread that asks."""

    def __init__(self, store: SqlStore, cursor: SnapshotCursor) -> None:
        super().__init__(store, cursor)
        self._pool = PostgresPool(store.engine, store.schema)

    def read(self, wait_s: float) -> float | None:
        """See `Reader.read`."""
        try:
            connection = self._connection
            if connection is None:
                connection = self._connection = self._pool.take(deadline())
                wait(self._subscribe(connection), connection.socket, deadline())
            elif wait_s > 0:
                with suppress(Late):  # nobody had anything to say
                    wait(connection.hear(), connection.socket, time.monotonic() + wait_s)
            sent = steady_now()
            while not self._take(wait(self._ask(connection), connection.socket, deadline())):
                pass
        except (*_FAILURES, StoreUnavailable) as failure:
            self.close()
            raise self._lost(failure) from failure
        return sent

    def close(self) -> None:
        """See `Reader.close`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.leave(connection)


class AsyncPostgresReader(_Reading):
    """`PostgresReader` for `await`."""

    def __init__(self, store: AsyncSqlStore, cursor: SnapshotCursor) -> None:
        super().__init__(store, cursor)
        engine: Any = store.engine  # an AsyncEngine: it is PostgreSQL
        self._pool = AsyncPostgresPool(engine, store.schema)

    async def read(self, wait_s: float) -> float | None:
        """See `Reader.read`."""
        try:
            connection = self._connection
            if connection is None:
                connection = self._connection = await self._pool.take(deadline())
                await wait_async(self._subscribe(connection), connection.socket, deadline())
            elif wait_s > 0:
                until = time.monotonic() + wait_s
                with suppress(Late):  # nobody had anything to say
                    await wait_async(connection.hear(), connection.socket, until)
            sent = steady_now()
            while not self._take(
                await wait_async(self._ask(connection), connection.socket, deadline())
            ):
                pass
        except (*_FAILURES, StoreUnavailable) as failure:
            await self.close()
            raise self._lost(failure) from failure
        return sent

    async def close(self) -> None:
        """See `Reader.close`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.leave(connection)


def lanes_of(_store: SqlStore | AsyncSqlStore) -> Sequence[str]:
    """The log is read as a whole."""
    return ("log",)


class PostgresSource:
    """See `Source` and `AsyncSource`; it keeps how far the last reader got."""

    def __init__(self, store: SqlStore | AsyncSqlStore, state: ReplicaState) -> None:
        self._store = store
        self._cursor = SnapshotCursor(state.denylist, state.alarm)

    def reader(self, _lane: int) -> PostgresReader | AsyncPostgresReader:
        """See `Source.reader`."""
        self._cursor = self._cursor.resumed()
        if isinstance(self._store, AsyncSqlStore):
            return AsyncPostgresReader(self._store, self._cursor)
        return PostgresReader(self._store, self._cursor)


source_of = PostgresSource
