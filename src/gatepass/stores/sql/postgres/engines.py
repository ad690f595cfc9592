"""Engines for a PostgreSQL URL, whose connections notice a peer that is gone or frozen."""

from typing import Any, Final
from weakref import WeakSet

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Engine, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import SettingsRejected
from gatepass.stores.sql.postgres.connecting import Hosts, PatientConnection
from gatepass.stores.sql.postgres.connection import abandon

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
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class _Connector(ForkAware):
    """Makes an engine's connections; a forked child abandons them and makes its own."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._made: WeakSet[PatientConnection] = WeakSet()
        self.engine: Engine | None = None

    def connect(self) -> PatientConnection:
        connection = self._hosts.connect()
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
    connector = _Connector(Hosts(_arguments_of(url)))
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
        async_creator=Hosts(_arguments_of(url)).connect_async,
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
    if arguments.get("sslmode", "prefer") not in _SSL_MODES:
        raise SettingsRejected(f"sslmode in the database URL is one of {', '.join(_SSL_MODES)}")
    return arguments
