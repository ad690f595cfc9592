"""Engines for a PostgreSQL URL, whose connections notice a peer that is gone or frozen."""

from contextvars import ContextVar
from typing import Any, Final, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Engine, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gatepass.errors import SettingsRejected
from gatepass.stores.sql.postgres.waiting import WAIT_S, deadline, left

RV = TypeVar("RV")

PATIENCE_S: Final[ContextVar[float]] = ContextVar("gatepass_patience", default=WAIT_S)
"""How long a statement on an engine's own connection may take."""

_DEFAULTS: Final = {
    "connect_timeout": "2",
    "tcp_user_timeout": "2000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "application_name": "gatepass",
}
"""What the URL may say otherwise; seconds, but for `tcp_user_timeout`."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose statements give up, where the driver's own would wait for ever."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """See `psycopg.Connection.wait`."""
        patience_s = PATIENCE_S.get() if timeout is None else timeout
        until = deadline() - WAIT_S + patience_s
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


def engine_of(url: URL, **options: Any) -> Engine:
    """An engine that keeps no connection, unless the options say otherwise.

    Raises:
        SettingsRejected: The URL has an option that is not taken.
    """
    arguments = _arguments_of(url)
    options = options or {"poolclass": NullPool}

    def connect() -> PatientConnection:
        return PatientConnection.connect("", **arguments)

    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        creator=connect,
        use_native_hstore=False,
        **options,
    )


def async_engine_of(url: URL) -> AsyncEngine:
    """`engine_of` for `await`."""
    return create_async_engine(
        url.set(drivername="postgresql+psycopg", query={}),
        connect_args=_arguments_of(url),
        poolclass=NullPool,
        use_native_hstore=False,
    )


def _arguments_of(url: URL) -> dict[str, Any]:
    """What psycopg is called with."""
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
