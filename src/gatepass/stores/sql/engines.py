"""Which databases are taken today, and how an engine is made from a URL."""

import sqlite3
import warnings
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import URL, Engine, NullPool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SAWarning, SQLAlchemyError

from gatepass.errors import SettingsRejected
from gatepass.stores.sql.sqlite_connection import WAIT_S
from gatepass.stores.sql.sqlite_file import SqliteFile

_POSTGRESQL: Final = ("postgresql", "postgres")


def engine_of(url: str) -> Engine:
    """An engine for `sqlite:///gate.db`, `sqlite:////var/lib/gate.db` and SQLite's `file:` URIs.

    It keeps no connection and never makes a file: a store does, once.

    Raises:
        SettingsRejected: Another database, none, or one in memory.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsRejected("the database URL cannot be read") from None
    _require_sqlite(parsed.get_backend_name(), parsed.drivername.partition("+")[2])
    if parsed.host or parsed.username or parsed.password or parsed.port:
        raise SettingsRejected("a SQLite URL names only a file: sqlite:///gate.db")
    file = SqliteFile(parsed)
    if parsed.query:
        return _engine_with_options(parsed)

    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(Path(file.path)))}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=WAIT_S, check_same_thread=False)

    return create_engine(parsed, poolclass=NullPool, creator=connect)


def require_usable(engine: Engine, schema: str | None) -> None:
    """Refuse an engine of a database that this release has no store for.

    Raises:
        SettingsRejected: What is not supported, in one sentence.
    """
    _require_sqlite(engine.dialect.name, engine.dialect.driver)
    if schema not in {None, "main"}:
        raise SettingsRejected("SQLite has no schemas; leave `schema` out")


def _engine_with_options(url: URL) -> Engine:
    """An engine for a URL whose options are all taken; a bad one would only fail later."""
    ours = {"timeout": WAIT_S, "check_same_thread": False}  # whatever the URL says
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SAWarning)
            engine = create_engine(url, poolclass=NullPool, connect_args=ours)
            engine.dialect.create_connect_args(url)
    except (ValueError, SQLAlchemyError, SAWarning):
        raise SettingsRejected("the database URL has an option that is not taken") from None
    return engine


def _require_sqlite(database: str, driver: str) -> None:
    if database in _POSTGRESQL:
        raise SettingsRejected("PostgreSQL is not supported yet; use a sqlite:/// URL")
    if database != "sqlite" or driver not in {"", "pysqlite"}:
        raise SettingsRejected(
            "sessions are kept in SQLite through Python's sqlite3; use sqlite:///"
        )
