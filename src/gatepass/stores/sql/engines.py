"""Which databases are taken, and how an engine is made from a URL."""

import re
import sqlite3
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from sqlalchemy import URL, Engine, NullPool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SAWarning, SQLAlchemyError

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.stores.deadline import WAIT_S
from gatepass.stores.sql.sqlite import failures
from gatepass.stores.sql.sqlite.file import SqliteFile

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_POSTGRESQL: Final = ("postgresql", "postgres")
_PSYCOPG: Final = ("", "psycopg", "psycopg_async")
_SCHEMA: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")
_HOSTS: Final = re.compile(
    r"(postgres[^:]*://(?:[^/?]*@)?)([^/?@]*,[^/?@]*)(/[^?]*|)(?:\?(.*))?", re.DOTALL
)
_SQLITE_OPTIONS: Final = frozenset(
    "uri timeout isolation_level detect_types check_same_thread cached_statements".split()
)
_EXTRA: Final = "pip install 'gatepass[postgres]'"


def engine_of(url: str) -> Engine:
    """An engine for `sqlite:///gate.db`, SQLite's `file:` URIs, and `postgresql://…`.

    It keeps no connection and never makes a file: a store does, once.

    Raises:
        SettingsRejected: Another database, none, or one in memory; a driver, or the folder of
            the file, is missing.
    """
    parsed = parse_url(url)
    if _is_postgres_url(parsed):
        engine: Engine = postgres_part().engine_of(parsed)
        return engine
    return _sqlite_engine_of(parsed)


def async_engine_of(url: str) -> "Engine | AsyncEngine":
    """`engine_of` for `AsyncSqlStore`, which takes an `AsyncEngine` for PostgreSQL alone."""
    parsed = parse_url(url)
    if _is_postgres_url(parsed):
        engine: AsyncEngine = postgres_part().async_engine_of(parsed)
        return engine
    return _sqlite_engine_of(parsed)


def is_postgres(engine: "Engine | AsyncEngine") -> bool:
    """Whether the engine is one of PostgreSQL's."""
    return engine.dialect.name in _POSTGRESQL


def unavailable_by(engine: Engine, error: BaseException) -> StoreUnavailable:
    """The error to raise for one of the engine's driver, in words that hold nothing of its text."""
    if is_postgres(engine):
        found: StoreUnavailable = postgres_part().unavailable_by(error)
        return found
    return failures.unavailable_by(error)


def postgres_part() -> Any:
    """`gatepass.stores.sql.postgres`, which alone needs the driver.

    Raises:
        SettingsRejected: The driver, or what SQLAlchemy needs for `await`, is not installed.
    """
    try:
        import_module("psycopg")
        import_module("greenlet")
    except ImportError as error:
        missing = (error.name or "psycopg").partition(".")[0]
        raise SettingsRejected(f"{missing} is not installed, run: {_EXTRA}") from None
    return import_module("gatepass.stores.sql.postgres")


def require_usable(engine: "Engine | AsyncEngine", schema: str | None) -> None:
    """Reject an engine of a database, or with a schema, that no store supports.

    Raises:
        SettingsRejected: The database or the schema is not supported.
        TypeError: The engine is async for a sync store, or the reverse.
    """
    if not isinstance(engine, Engine):
        raise TypeError("SqlStore takes an Engine; AsyncSqlStore takes an AsyncEngine")
    _require_supported(engine, schema)


def require_usable_async(engine: "Engine | AsyncEngine", schema: str | None) -> None:
    """`require_usable` for `AsyncSqlStore`: an `AsyncEngine`, or an `Engine` for SQLite."""
    if isinstance(engine, Engine) and is_postgres(engine):
        raise TypeError("on PostgreSQL AsyncSqlStore takes an AsyncEngine")
    _require_supported(engine, schema)


def _require_supported(engine: "Engine | AsyncEngine", schema: str | None) -> None:
    _require_driver(engine.dialect.name, engine.dialect.driver)
    if is_postgres(engine):
        if schema is not None and not _SCHEMA.fullmatch(schema):
            raise SettingsRejected("a schema is named by letters, digits and underscores, up to 63")
    elif schema not in {None, "main"}:
        raise SettingsRejected("SQLite has no schemas; leave `schema` out")


def parse_url(url: str | URL) -> URL:
    """The URL of a database that is taken.

    Raises:
        SettingsRejected: The URL cannot be read, or names another database or driver.
    """
    try:
        parsed = make_url(_with_one_host(url) if isinstance(url, str) else url)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise SettingsRejected("the database URL cannot be read") from None
    for what in ("username", "password", "host", "database"):
        part = getattr(parsed, what)
        if part is not None and part != part.strip():
            raise SettingsRejected(
                f"the {what} in the database URL begins or ends with a blank or a line end, as of "
                "a file: remove it"
            )
    _require_driver(parsed.drivername.partition("+")[0], parsed.drivername.partition("+")[2])
    return parsed


def _with_one_host(url: str) -> str:
    """The URL with libpq's list of hosts, which SQLAlchemy does not read, as options instead."""
    found = _HOSTS.fullmatch(url)
    if found is None:
        return url
    before, hosts, path, query = found.groups()
    pairs = [re.fullmatch(r"(\[[^]]*\]|[^:]*):?(.*)", host) for host in hosts.split(",")]
    names = ",".join(pair[1].strip("[]") if pair else "" for pair in pairs)
    ports = ",".join((pair[2] if pair else "") or "5432" for pair in pairs)
    options = urlencode({"host": names, "port": ports})
    return f"{before}{path}?{options}" + (f"&{query}" if query else "")


def _is_postgres_url(url: URL) -> bool:
    return url.drivername.partition("+")[0] in _POSTGRESQL


def _sqlite_engine_of(parsed: URL) -> Engine:
    if parsed.host or parsed.username or parsed.password or parsed.port:
        raise SettingsRejected("a SQLite URL names only a file: sqlite:///gate.db")
    file = SqliteFile(parsed)
    file.require_folder()
    if parsed.query:
        return _engine_with_options(parsed)

    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(Path(file.path)))}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=WAIT_S, check_same_thread=False)

    return create_engine(parsed, poolclass=NullPool, creator=connect, hide_parameters=True)


def _engine_with_options(url: URL) -> Engine:
    """An engine for a URL whose options are all taken; a bad one would only fail later."""
    ours = {"timeout": WAIT_S, "check_same_thread": False}  # whatever the URL says
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SAWarning)
            engine = create_engine(url, poolclass=NullPool, connect_args=ours, hide_parameters=True)
            engine.dialect.create_connect_args(url)
        if "uri" not in url.query and not url.query.keys() <= _SQLITE_OPTIONS:
            raise ValueError  # noqa: TRY301 (SQLAlchemy 2.0 would ignore it)
    except (ValueError, SQLAlchemyError, SAWarning):
        raise SettingsRejected("the database URL has an option that is not taken") from None
    return engine


def _require_driver(database: str, driver: str) -> None:
    if database in _POSTGRESQL:
        if driver not in _PSYCOPG:
            raise SettingsRejected(
                "sessions are kept in PostgreSQL through psycopg 3; use postgresql://"
            )
    elif database != "sqlite" or driver not in {"", "pysqlite"}:
        raise SettingsRejected(
            "sessions are kept in SQLite through Python's sqlite3, or in PostgreSQL; "
            "use sqlite:/// or postgresql://"
        )
