"""Engines for a PostgreSQL URL, whose connections notice a peer that is gone or frozen."""

import time
from typing import Any, Final, TypeVar
from weakref import WeakSet

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Engine, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import SettingsRejected
from gatepass.stores.deadline import find_deadline
from gatepass.stores.sql.postgres.connection import abandon
from gatepass.stores.sql.postgres.waiting import left

RV = TypeVar("RV")

_DEFAULTS: Final = {
    "connect_timeout": "2",
    "tcp_user_timeout": "2000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "application_name": "gatepass",
    "client_encoding": "UTF8",
}
"""Defaults that the URL may override; seconds, but for `tcp_user_timeout`."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose statements give up, where the driver's own would wait for ever."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """See `psycopg.Connection.wait`."""
        until = find_deadline() if timeout is None else time.monotonic() + timeout
        try:
            return waiting.wait(_until(gen, until), self.pgconn.socket, interval=interval)
        except TimeoutError:
            self.pgconn.finish()
            raise psycopg.OperationalError("the server did not answer in time") from None


def _until(gen: PQGen[RV], until: float) -> PQGen[RV]:
    """The generator, as long as there is time."""
    try:
        wants = next(gen)
        while True:
            ready = yield wants
            if not ready and not left(until):
                raise TimeoutError
            wants = gen.send(ready)
    except StopIteration as stop:
        rv: RV = stop.value
        return rv


class _Connector(ForkAware):
    """Makes an engine's connections; a forked child abandons them and makes its own."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._made: WeakSet[PatientConnection] = WeakSet()
        self.engine: Engine | None = None

    def connect(self) -> PatientConnection:
        if not left(find_deadline()):  # all of it was spent on a connection that was dead
            raise psycopg.OperationalError("there is no time left for a connection")
        connection = PatientConnection.connect("", **self._arguments)
        self._made.add(connection)
        return connection

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child and self.engine is not None:
            for connection in list(self._made):
                if not connection.closed:
                    abandon(connection)
            self.engine.dispose(close=False)


def engine_of(url: URL, **options: Any) -> Engine:
    """An engine that keeps no connection, unless the options say otherwise.

    Raises:
        SettingsRejected: The URL has an option that is not taken.
    """
    connector = _Connector(_arguments_of(url))
    connector.engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        creator=connector.connect,
        use_native_hstore=False,
        hide_parameters=True,
        **(options or {"poolclass": NullPool}),
    )
    watch_forks(connector)
    return connector.engine


def async_engine_of(url: URL) -> AsyncEngine:
    """`engine_of` for `await`."""
    return create_async_engine(
        url.set(drivername="postgresql+psycopg", query={}),
        connect_args=_arguments_of(url),
        poolclass=NullPool,
        use_native_hstore=False,
        hide_parameters=True,
    )


def _arguments_of(url: URL) -> dict[str, Any]:
    """The arguments for psycopg."""
    plain = url.set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(plain)
        _, given = engine.dialect.create_connect_args(plain)
        arguments = _DEFAULTS | {name: value for name, value in given.items() if value is not None}
        arguments.pop("context", None)
        make_conninfo("", **arguments)
    except (SQLAlchemyError, psycopg.Error, ValueError, TypeError):
        raise SettingsRejected("the database URL has an option that is not taken") from None
    return arguments
