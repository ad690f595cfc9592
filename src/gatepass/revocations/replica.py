"""`Replica` and `AsyncReplica`: checks against an in-process copy of a store's revocation log.

What is held is refused. What is not held is let in while the lease says that the copy is good;
then the policy decides. `ReplicaState.judge` says in which order the two are looked at, and why.
"""

import logging
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, Self, TypeVar
from weakref import finalize

from gatepass.errors import StoreUnavailable
from gatepass.revocations.async_follower import AsyncFollower
from gatepass.revocations.follower import Follower
from gatepass.revocations.lease import steady_now
from gatepass.revocations.readers import open_store, readers_for
from gatepass.revocations.staleness import (
    MAX_STALENESS_S,
    ReplicaStatus,
    WhenStale,
    require_max_staleness,
)
from gatepass.revocations.state import ReplicaState

if TYPE_CHECKING:
    from gatepass.stores.redis import AsyncRedisStore, RedisStore
    from gatepass.stores.sql import AsyncSqlStore, SqlStore

S = TypeVar("S", "SqlStore | RedisStore", "AsyncSqlStore | AsyncRedisStore")

_LOG: Final = logging.getLogger("gatepass")
_STALE: Final = "the copy of the revocation log is out of date"
_CUT_OFF: Final = "the primary may have been replaced, and nobody can tell"


class _Parts(Generic[S]):
    """What both twins are made of; the state holds everything that changes."""

    is_async: ClassVar[bool]

    def __init__(
        self,
        store: S,
        *,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> None:
        """Follow the log of a store, from the first check on.

        Args:
            store: The replica asks it while the copy is stale. Closing it ends the replica.
            max_staleness: Seconds, 0.1 to 60, after which an acknowledged revocation counts at
                the latest, while one primary is in charge.
            when_stale: The rule for checks while the copy may be older than that.

        Raises:
            SettingsRejected: The store is not on PostgreSQL or Redis, or `max_staleness` is out
                of bounds.
        """
        readers = readers_for(store)
        state = ReplicaState(readers.lanes_of(store), require_max_staleness(max_staleness))
        self._store: S = store
        self._owned: Any = None
        self._state = state
        self._denylist = state.denylist
        self._lease = state.lease
        self._when_stale = when_stale
        self._follower = (AsyncFollower if self.is_async else Follower)(
            state, readers.source_of(store, state)
        )
        self._finalizer: finalize[..., Any] = finalize(self, self._follower.stop)
        store.listeners.add(self)
        if when_stale is WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED:
            _LOG.warning(
                "revocation checks fail open: while the revocation log cannot be read, tokens "
                "that may have been revoked are accepted"
            )

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
        **options: Any,
    ) -> Self:
        """A replica with a store of its own, for a service that only verifies.

        Args:
            url: The address of PostgreSQL or Redis.
            max_staleness: See `Replica`.
            when_stale: See `Replica`.
            options: Passed on to the store's `from_url`: `schema=`, `prefix=`.
        """
        store = open_store(url, is_async=cls.is_async, **options)
        replica = cls(store, max_staleness=max_staleness, when_stale=when_stale)
        replica._owned = store
        return replica

    @property
    def age(self) -> float:
        """For how many seconds the copy may lack something; infinite before it was complete."""
        return self.status().age

    def status(self) -> ReplicaStatus:
        """What is stale or down, and for how long, for readiness and metrics."""
        return self._state.status(self._when_stale)

    def revoked(self, kind: str, identifier: str) -> None:
        """See `Listener`: what this process revokes counts at once."""
        self._state.revoked(kind, identifier)

    def revoked_many(self) -> None:
        """See `Listener`: which they were, the next read tells."""
        self._state.revoked_many()

    def store_closed(self) -> None:
        """See `Listener`."""
        self._finalizer()
        self._lease.lapse()

    def _give_up(self) -> bool:
        """The verdict on what is not held when the copy is stale and nobody may be asked.

        Raises:
            StoreUnavailable: The policy lets nobody in.
        """
        if self._when_stale is WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED:
            return False
        raise StoreUnavailable(_STALE)


class Replica(_Parts["SqlStore | RedisStore"]):
    """A `Revocations` on PostgreSQL or Redis that answers from memory.

    It knows the log, not the sessions' rows, and begins to read at the first check.
    """

    is_async: ClassVar[Literal[False]] = False
    _follower: Follower

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session or the token is in the log.

        Raises:
            StoreUnavailable: The copy is stale, and the policy does not let that pass.
        """
        until, held = self._lease.until, self._denylist  # as `judge`, on the hot path
        if (
            session_id in held.sessions
            or token_id in held.tokens
            or (held.table is not None and held.has_fingerprint(session_id, token_id))
        ):
            return True
        if steady_now() < until:
            return False
        return self._check_stale(session_id, token_id)

    def start(self) -> None:
        """Begin to read, as the first check would."""
        self._follower.ensure()

    def fresh(self) -> bool:
        """Whether it answers from memory alone, for readiness."""
        self._follower.ensure()
        return steady_now() < self._lease.until

    def close(self) -> None:
        """Stop reading: from now on it is stale. Its store is closed if it made that itself."""
        self._finalizer()
        self._follower.join()
        self._lease.lapse()
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_stale(self, session_id: str | None, token_id: str | None) -> bool:
        self._follower.ensure()
        verdict = self._state.judge(session_id, token_id)
        if verdict is not None:  # another part of the log is stale
            return verdict
        if self._when_stale is WhenStale.ASK:
            if not self._state.may_ask(session_id, token_id):
                raise StoreUnavailable(_CUT_OFF)
            return self._store.is_revoked(session_id, token_id)
        self._follower.wait(session_id, token_id)
        verdict = self._state.judge(session_id, token_id)
        return self._give_up() if verdict is None else verdict


class AsyncReplica(_Parts["AsyncSqlStore | AsyncRedisStore"]):
    """`Replica` for `await`, read on whichever event loop asks first."""

    is_async: ClassVar[Literal[True]] = True
    _follower: AsyncFollower

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `Replica.is_revoked`."""
        until, held = self._lease.until, self._denylist  # as `judge`, on the hot path
        if (
            session_id in held.sessions
            or token_id in held.tokens
            or (held.table is not None and held.has_fingerprint(session_id, token_id))
        ):
            return True
        if steady_now() < until:
            return False
        return await self._check_stale(session_id, token_id)

    async def start(self) -> None:
        """See `Replica.start`."""
        self._follower.ensure()

    async def fresh(self) -> bool:
        """See `Replica.fresh`."""
        self._follower.ensure()
        return steady_now() < self._lease.until

    async def close(self) -> None:
        """See `Replica.close`."""
        self._finalizer()
        await self._follower.join()
        self._lease.lapse()
        if self._owned is not None:
            await self._owned.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _check_stale(self, session_id: str | None, token_id: str | None) -> bool:
        self._follower.ensure()
        verdict = self._state.judge(session_id, token_id)
        if verdict is not None:  # another part of the log is stale
            return verdict
        if self._when_stale is WhenStale.ASK:
            if not self._state.may_ask(session_id, token_id):
                raise StoreUnavailable(_CUT_OFF)
            return await self._store.is_revoked(session_id, token_id)
        await self._follower.wait(session_id, token_id)
        verdict = self._state.judge(session_id, token_id)
        return self._give_up() if verdict is None else verdict


def replica_of(
    store: Any,
    *,
    max_staleness: float = MAX_STALENESS_S,
    when_stale: WhenStale = WhenStale.ASK,
) -> Any:
    """The replica of a `SqlStore` or `RedisStore`, async for an async one; managers take it.

    On SQLite it is never stale, so that `max_staleness` and `when_stale` do not matter.

    Raises:
        SettingsRejected: The store has no revocation log, as `MemoryStore` has none, or
            `max_staleness` is out of bounds.
    """
    if getattr(store, "database", None) == "sqlite":
        from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica  # noqa: PLC0415

        return (AsyncSqliteReplica if store.is_async else SqliteReplica)(store)
    kind: Any = AsyncReplica if getattr(store, "is_async", False) else Replica
    return kind(store, max_staleness=max_staleness, when_stale=when_stale)
