"""The revocation log of a store on PostgreSQL, held in this process.

A notification only wakes the reader; where none comes (with `prepare_threshold=None`, which says
that there is a pooler, it does not `LISTEN`) it looks a few times in each `max_staleness`.
"""

from typing import Self

from gatepass._extras import needs_extra
from gatepass.revocations.replica import AsyncReplica, Replica
from gatepass.revocations.staleness import MAX_STALENESS_S, WhenStale, require_max_staleness
from gatepass.revocations.state import ReplicaState

with needs_extra("postgres"):
    from gatepass.revocations.postgres_readers import AsyncPostgresSource, PostgresSource
    from gatepass.stores.sql import AsyncSqlStore, SqlStore

__all__ = ["AsyncPostgresReplica", "PostgresReplica"]

_LANES = ("log",)


class PostgresReplica(Replica):
    """A `Revocations` that answers from memory, for a `SqlStore` on PostgreSQL."""

    def __init__(
        self,
        store: SqlStore,
        *,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> None:
        """Follow the log of a store, from the first check on.

        Args:
            store: Whom to ask while the copy is stale. Closing it ends the replica.
            max_staleness: Seconds after which an acknowledged revocation counts at the latest.
            when_stale: What to do while the copy may be older than that.

        Raises:
            SettingsRejected: The store is on SQLite, or `max_staleness` is out of bounds.
        """
        state = ReplicaState(_LANES, require_max_staleness(max_staleness))
        super().__init__(store, state, PostgresSource(store.postgres, state), when_stale)
        store.listeners.add(self)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        schema: str | None = None,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> Self:
        """For a service that only verifies: a replica with a store of its own."""
        store = SqlStore.from_url(url, schema=schema)
        replica = cls(store, max_staleness=max_staleness, when_stale=when_stale)
        replica._owned = store
        return replica


class AsyncPostgresReplica(AsyncReplica):
    """`PostgresReplica` for `await`, for an `AsyncSqlStore`."""

    def __init__(
        self,
        store: AsyncSqlStore,
        *,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> None:
        """See `PostgresReplica`."""
        state = ReplicaState(_LANES, require_max_staleness(max_staleness))
        super().__init__(store, state, AsyncPostgresSource(store.postgres, state), when_stale)
        store.listeners.add(self)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        schema: str | None = None,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> Self:
        """See `PostgresReplica.from_url`."""
        store = AsyncSqlStore.from_url(url, schema=schema)
        replica = cls(store, max_staleness=max_staleness, when_stale=when_stale)
        replica._owned = store
        return replica
