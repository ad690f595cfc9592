"""The revocation log of a store in Redis, held in this process: alone, with Sentinel, as a Cluster.

On a Cluster each partition is read by itself and has a lease of its own, so that a dead shard
makes only its own share of the sessions stale.
"""

from typing import Self

from gatepass._extras import needs_extra
from gatepass.revocations.replica import AsyncReplica, Replica
from gatepass.revocations.staleness import MAX_STALENESS_S, WhenStale, require_max_staleness
from gatepass.revocations.state import ReplicaState

with needs_extra("redis"):
    from gatepass.revocations.redis_readers import AsyncRedisSource, RedisSource, lanes_of
    from gatepass.stores.redis import AsyncRedisStore, RedisStore
    from gatepass.stores.redis.parts import PREFIX

__all__ = ["AsyncRedisReplica", "RedisReplica"]


class RedisReplica(Replica):
    """A `Revocations` that answers from memory, for a `RedisStore`."""

    def __init__(
        self,
        store: RedisStore,
        *,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> None:
        """Follow the log of a store, from the first check on.

        Args:
            store: Whom to ask while the copy is stale. Closing it ends the replica.
            max_staleness: Seconds after which an acknowledged revocation counts at the latest,
                while one primary is in charge.
            when_stale: What to do while the copy may be older than that.

        Raises:
            SettingsRejected: `max_staleness` is out of bounds.
        """
        state = ReplicaState(lanes_of(store.work.target), require_max_staleness(max_staleness))
        super().__init__(store, state, RedisSource(store, state), when_stale)
        store.listeners.add(self)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        prefix: str = PREFIX,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> Self:
        """For a service that only verifies: a replica with a store of its own."""
        store = RedisStore.from_url(url, prefix=prefix)
        replica = cls(store, max_staleness=max_staleness, when_stale=when_stale)
        replica._owned = store
        return replica


class AsyncRedisReplica(AsyncReplica):
    """`RedisReplica` for `await`, for an `AsyncRedisStore`."""

    def __init__(
        self,
        store: AsyncRedisStore,
        *,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> None:
        """See `RedisReplica`."""
        state = ReplicaState(lanes_of(store.work.target), require_max_staleness(max_staleness))
        super().__init__(store, state, AsyncRedisSource(store, state), when_stale)
        store.listeners.add(self)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        prefix: str = PREFIX,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> Self:
        """See `RedisReplica.from_url`."""
        store = AsyncRedisStore.from_url(url, prefix=prefix)
        replica = cls(store, max_staleness=max_staleness, when_stale=when_stale)
        replica._owned = store
        return replica
