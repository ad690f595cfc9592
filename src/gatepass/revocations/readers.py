"""The readers of a log, which threads or tasks run, and how a replica finds those of its store."""

from importlib import import_module
from typing import Any, Final, Protocol

from gatepass._extras import needs_extra
from gatepass.errors import SettingsRejected

_MODULES: Final = {"postgresql": "postgres_readers", "redis": "redis_readers"}


def readers_for(store: Any) -> Any:
    """The module with `partitions_of` and `readers_of` for this store's database.

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
        SettingsRejected: The URL is not one of PostgreSQL or Redis.
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
    """Reads one partition into a denylist, in one thread at a time."""

    def read(self, wait_s: float) -> float | None:
        """Wait at most this long for new entries, then take in what there is.

        Returns the moment, on the clock of leases, at which the read was sent that completed the
        copy; `None` if there is more to read.

        Raises:
            StoreUnavailable: The log could not be read.
        """
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...

    def abandon(self) -> None:
        """Let go of the connection in a process that inherited it."""
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
        """See `Reader.abandon`; also for an event loop that was closed."""
        ...
