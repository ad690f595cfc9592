"""The readers of PostgreSQL's log: a connection of their own, for either twin.

A notification only wakes a reader. Without notifications it reads four times in each
`max_staleness`: `prepare_threshold=None` declares a connection pooler, and through a pooler the
reader does not `LISTEN`.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_ms, steady_now
from gatepass.revocations.postgres_cursor import NEVER_MS, PAGE, PostgresCursor
from gatepass.revocations.state import ReplicaState
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from gatepass.stores.sql.postgres.async_pool import AsyncPostgresPool
from gatepass.stores.sql.postgres.connection import PostgresConnection
from gatepass.stores.sql.postgres.failures import BROKEN, LATE, Late, Lost, unavailable
from gatepass.stores.sql.postgres.pool import PostgresPool
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.postgres.waiting import deadline, wait, wait_async
from gatepass.stores.sql.postgres.wire import Exchange, Refused, Row

_FAILURES = (Late, Lost, Refused)


class _Reading:
    """The statements of both twins' readers, and the meaning of their answers."""

    def __init__(self, store: SqlStore | AsyncSqlStore, cursor: PostgresCursor) -> None:
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
        """Listen, except through a pooler: its next client would get the notifications."""
        if connection.is_shared:
            return []
        return (yield from connection.run(self._listen, []))

    def _take(self, rows: list[Row]) -> bool:
        return self._cursor.take(rows, steady_ms())

    def _lost(self, failure: Exception) -> StoreUnavailable:
        """The error to raise; the next read begins anew."""
        self._cursor.step_back()
        match failure:
            case StoreUnavailable():
                return failure
            case Refused():
                return unavailable(failure)
            case _:
                return StoreUnavailable(LATE if isinstance(failure, Late) else BROKEN)

    def abandon(self) -> None:
        """Close the connection, unless it is a parent's: the pool takes care of that one."""
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            connection.close()


class PostgresReader(_Reading):
    """See `Reader`."""

    def __init__(self, store: SqlStore, cursor: PostgresCursor) -> None:
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
                with suppress(Late):  # no notification came
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

    def __init__(self, store: AsyncSqlStore, cursor: PostgresCursor) -> None:
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
                with suppress(Late):  # no notification came
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


def partitions_of(_store: SqlStore | AsyncSqlStore) -> Sequence[str]:
    """The log is read as a whole."""
    return ("log",)


def readers_of(
    store: SqlStore | AsyncSqlStore, state: ReplicaState
) -> Callable[[int], PostgresReader | AsyncPostgresReader]:
    """A function that makes readers, each of which reads on where the last one stopped."""
    cursor = PostgresCursor(state.denylist, state.alarm)

    def new_reader(_partition: int) -> PostgresReader | AsyncPostgresReader:
        nonlocal cursor
        cursor = cursor.resumed()
        if isinstance(store, AsyncSqlStore):
            return AsyncPostgresReader(store, cursor)
        return PostgresReader(store, cursor)

    return new_reader
