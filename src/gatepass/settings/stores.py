"""The databases that the environment names, and stores on them; drivers are loaded late."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gatepass.errors import SettingsRejected
from gatepass.sessions import AsyncStore, Store


def require_database_url(database_url: str | None) -> str:
    """The URL of the SQL database.

    Raises:
        SettingsRejected: No database is named, or its kind is not supported.
    """
    if database_url is None:
        raise SettingsRejected(
            "DATABASE_URL is not set: name a file as in sqlite:///gate.db, or postgresql://…"
        )
    if not re.match(r"(sqlite(\+pysqlite)?:///|postgres(ql)?(\+\w+)?://)", database_url):
        raise SettingsRejected(
            "DATABASE_URL is not of the form sqlite:///gate.db or postgresql://user@host/name"
        )
    return database_url


def open_store(database_url: str | None, redis_url: str | None) -> Store:
    """The store of sessions: in Redis if a Redis is named, else in the SQL database.

    Raises:
        SettingsRejected: No database is named, a URL is bad, or an extra is missing.
    """
    if redis_url is not None:
        with _names("REDIS_URL"):
            from gatepass.stores.redis import RedisStore  # noqa: PLC0415 - an extra

            return RedisStore.from_url(redis_url)
    url = require_database_url(database_url)
    with _names("DATABASE_URL"):
        from gatepass.stores.sql import SqlStore  # noqa: PLC0415 - as above

        return SqlStore.from_url(url)


def open_async_store(database_url: str | None, redis_url: str | None) -> AsyncStore:
    """`open_store` for `await`."""
    if redis_url is not None:
        with _names("REDIS_URL"):
            from gatepass.stores.redis import AsyncRedisStore  # noqa: PLC0415 - as above

            return AsyncRedisStore.from_url(redis_url)
    url = require_database_url(database_url)
    with _names("DATABASE_URL"):
        from gatepass.stores.sql import AsyncSqlStore  # noqa: PLC0415 - as above

        return AsyncSqlStore.from_url(url)


@contextmanager
def _names(variable: str) -> Iterator[None]:
    """Begin every error with the variable's name, also that of a missing extra."""
    try:
        yield
    except (SettingsRejected, ModuleNotFoundError) as error:
        sentence = str(error)
    else:
        return
    raise SettingsRejected(f"{variable}: {sentence}")
