"""The readers of a database's log that a follower needs, and how to find them for a store."""

from importlib import import_module
from typing import Any, Final, Protocol

from gatepass._extras import needs_extra
from gatepass.errors import SettingsRejected

_MODULES: Final = {"postgresql": "postgres_readers", "redis": "redis_readers"}


def readers_for(store: Any) -> Any:
    """The module with `lanes_of` and `source_of` for the database of this store.

    Raises:
        SettingsRejected: The store is not on PostgreSQL or Redis.
    """
    module = _MODULES.get(getattr(store, "database", ""))
    if module is None:
        raise SettingsRejected("this replica needs a store on PostgreSQL or Redis")
    return import_module(f"gatepass.revocations.{module}")


def open_store(url: str, *, is_async: bool, **options: Any) -> Any:
    """The store at this URL, for a replica that owns it.

    Raises:
        SettingsRejected: The URL is bad, or names a SQLite file.
        ModuleNotFoundError: An extra is missing; the message names it.
    """
    if url.startswith("postgres"):
        with needs_extra("postgres"):
            from gatepass.stores.sql import AsyncSqlStore, SqlStore  # noqa: PLC0415 - an extra

            return (AsyncSqlStore if is_async else SqlStore).from_url(url, **options)
    with needs_extra("redis"):
        from gatepass.stores.redis import AsyncRedisStore, RedisStore  # noqa: PLC0415 - an extra

        return (AsyncRedisStore if is_async else RedisStore).from_url(url, **options)


class Reader(Protocol):
    """Reads one lane into a denylist, from one thread at a time."""

    def read(self, wait_s: float) -> float | None:
        """Wait for news, but no longer than that, and take in what there is.

        Returns when the read that completed the copy was sent off, on the clock of leases;
        `None`: it is not complete yet, and has to be read on.

        Raises:
            StoreUnavailable: It could not be read.
        """
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...

    def abandon(self) -> None:
        """Let go of it in a process that inherited it."""
        ...


class AsyncReader(Protocol):
    """`Reader` for `await`, on one event loop."""

    async def read(self, wait_s: float) -> float | None:
        """See `Reader.read`."""
        ...

    async def close(self) -> None:
        """See `Reader.close`."""
        ...

    def abandon(self) -> None:
        """See `Reader.abandon`; also where the event loop was closed."""
        ...


class Source(Protocol):
    """The log of a database; makes readers, each of which goes on where the last one got to."""

    def reader(self, lane: int) -> Reader:
        """A new reader of a lane, with a connection of its own to come."""
        ...


class AsyncSource(Protocol):
    """`Source` of async readers."""

    def reader(self, lane: int) -> AsyncReader:
        """See `Source.reader`; it is used on one event loop."""
        ...
