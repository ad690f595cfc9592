"""One connection to PostgreSQL, taken from an engine: what it has prepared, and its end."""

import os
from collections.abc import Generator
from contextlib import suppress
from select import POLLIN
from typing import Any, Final

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus
from sqlalchemy.pool import PoolProxiedConnection

from gatepass.errors import StoreOutdated, StoreUnavailable
from gatepass.stores.slots import Slot
from gatepass.stores.sql.postgres.failures import (
    ENCODING,
    NOT_UTF8,
    STANDBY,
    Lost,
    keeps_connection,
)
from gatepass.stores.sql.postgres.waiting import has_news
from gatepass.stores.sql.postgres.wire import (
    Exchange,
    Refused,
    Statement,
    execute,
    execute_once,
    prepare,
)
from gatepass.stores.sql.tables import HEAD, OUTDATED, why_unusable

Driver = psycopg.Connection[Any] | psycopg.AsyncConnection[Any]

_ROLLBACK: Final = Statement(b"", b"ROLLBACK", ())
_POOLED: Final = Statement(
    b"",
    b"SELECT pg_is_in_recovery(), current_setting('server_encoding'), "
    b"set_config('client_encoding', 'UTF8', false)",
    (),
)
"""The greeting behind a pooler: what a session is set to would be the next client's, all but the
encoding, of which poolers know.
"""
_NO_TABLE: Final = ("42P01", "3F000")
_KEPT: Final[list[Driver]] = []
"""Connections that a child inherited; closing them would end the parent's sessions."""


class PostgresConnection:
    """A connection of ours alone; every statement is a transaction of its own."""

    __slots__ = ("__weakref__", "_driver", "_prepared", "_prepares", "_wire", "slot", "socket")

    def __init__(self, taken: PoolProxiedConnection) -> None:
        driver: object = taken.driver_connection
        if not isinstance(driver, psycopg.Connection | psycopg.AsyncConnection):
            taken.invalidate()
            raise TypeError("the engine's driver must be psycopg 3")
        taken.detach()
        self._driver: Driver = driver
        self._wire = driver.pgconn
        self.socket = self._wire.socket
        self.slot: Slot | None = None
        self._prepared: set[bytes] = set()
        self._prepares = driver.prepare_threshold is not None

    def greet(self, greeting: Statement, revision: Statement) -> Generator[int, int, list[Any]]:
        """Set the session up, and see that this is a primary with tables of this release.

        Raises:
            StoreUnavailable: The server is a standby, or its tables are of another release.
        """
        if self._wire.transaction_status != TransactionStatus.IDLE:  # a hook of the engine's
            yield from execute_once(self._wire, _ROLLBACK, [])
        if self.is_shared:
            greeting = _POOLED
        [(is_standby, encoding, *_)] = yield from execute_once(self._wire, greeting, [])
        if is_standby:
            raise StoreUnavailable(STANDBY)
        if encoding != ENCODING:
            raise StoreUnavailable(NOT_UTF8)
        try:
            rows = yield from execute_once(self._wire, revision, [])
        except Refused as refused:
            if refused.state in _NO_TABLE:
                raise StoreOutdated(OUTDATED) from None
            raise
        found = max((str(name) for (name,) in rows), default=None)
        if found != HEAD:
            raise StoreOutdated(why_unusable(found))
        return []

    def run(self, statement: Statement, values: list[bytes | None]) -> Exchange:
        """The rows of a statement; it is parsed once per connection, where that is allowed.

        Raises:
            Refused: The server answered with an error; it decides whether `is_usable`.
            Lost: The connection broke.
        """
        try:
            if not self._prepares:
                return (yield from execute_once(self._wire, statement, values))
            if statement.name not in self._prepared:
                yield from prepare(self._wire, statement)
                self._prepared.add(statement.name)
            return (yield from execute(self._wire, statement, values))
        except psycopg.Error as error:
            raise Lost from error
        except Refused as refused:
            if self._wire.status != ConnStatus.OK:
                raise Lost from refused
            if not keeps_connection(refused):
                self.close()
            raise

    @property
    def is_shared(self) -> bool:
        """Whether a pooler may be between, as the engine says by `prepare_threshold=None`."""
        return not self._prepares

    def hear(self) -> Exchange:
        """Wait for a notification, of which nothing is kept.

        One that came with the answer to an earlier statement counts: its sender may have
        committed after that statement read.

        Raises:
            Lost: The connection broke.
        """
        try:
            if not self._drop_notifications():
                yield POLLIN
                self._wire.consume_input()
                self._drop_notifications()
        except psycopg.Error as error:
            raise Lost from error
        return []

    def _drop_notifications(self) -> bool:
        """Whether there were any."""
        count = 0
        while self._wire.notifies() is not None:
            count += 1
        return count > 0

    def is_usable(self) -> bool:
        """Whether it is idle and nobody closed it."""
        return self._wire.status == ConnStatus.OK and not has_news(self.socket)

    def close(self) -> None:
        """Close it; the server stops what it does for it, or ends that in vain."""
        with suppress(psycopg.Error):
            self._wire.finish()

    def abandon(self) -> None:
        """Never touch it again, in a process that inherited it."""
        abandon(self._driver)


def abandon(driver: Driver) -> None:
    """Give up a connection that this process inherited; its session is the parent's."""
    _KEPT.append(driver)
    with suppress(OSError, psycopg.Error):
        os.close(driver.pgconn.socket)
