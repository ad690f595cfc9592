"""`Replica` and `AsyncReplica`: checks against an in-process copy of a store's revocation log.

An id that the copy holds is revoked, however old the copy is. For any other id the copy answers
while its lease holds (`lease.py` says why that suffices); then `when_stale` decides.
"""

import logging
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, Self, TypeVar
from weakref import finalize

from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_now
from gatepass.revocations.reader_tasks import ReaderTasks
from gatepass.revocations.reader_threads import ReaderThreads
from gatepass.revocations.readers import open_store, readers_for
from gatepass.revocations.staleness import (
    MAX_STALENESS_S,
    ReplicaStatus,
    WhenStale,
    require_max_staleness,
)
from gatepass.revocations.state import ReplicaState
from gatepass.revocations.watching import STALE, Vouching

if TYPE_CHECKING:
    from gatepass.stores.redis import AsyncRedisStore, RedisStore
    from gatepass.stores.sql import AsyncSqlStore, SqlStore

S = TypeVar("S", "SqlStore | RedisStore", "AsyncSqlStore | AsyncRedisStore")

_LOG: Final = logging.getLogger("gatepass")
_CUT_OFF: Final = "the primary may have been replaced, and its answers do not count"


class _Shared(Generic[S]):
    """The parts of both twins; the state holds everything that changes."""

    is_async: ClassVar[bool]

    def __init__(
        self,
        store: S,
        *,
        max_staleness: float = MAX_STALENESS_S,
        when_stale: WhenStale = WhenStale.ASK,
    ) -> None:
        """Copy the log of a store, from the first check on.

        Args:
            store: The replica asks it while the copy is stale. Closing it ends the replica.
            max_staleness: The seconds, 0.1 to 60, within which an acknowledged revocation counts,
                while one primary is in charge.
            when_stale: The rule for checks while the copy may be older than that.

        Raises:
            SettingsRejected: The store is not on PostgreSQL or Redis, or `max_staleness` is out
                of bounds.
        """
        module = readers_for(store)
        state = ReplicaState(module.partitions_of(store), require_max_staleness(max_staleness))
        self._store: S = store
        self._own_store: Any = None
        self._state = state
        self._denylist = state.denylist
        self._lease = state.lease
        self._when_stale = when_stale
        self._readers = (ReaderTasks if self.is_async else ReaderThreads)(
            state, module.readers_of(store, state)
        )
        self._vouching = Vouching(store, state, self._readers.ensure, max_staleness, when_stale)
        self.watches = self._vouching.watches
        """The connections that end when this copy learns that they are over."""
        state.denylist.told = self.watches.end_all
        self._finalizer: finalize[..., Any] = finalize(self, self._readers.stop)
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
        replica._own_store = store
        return replica

    @property
    def age(self) -> float:
        """Seconds since the copy was known to be complete; infinite before the first read."""
        return self.status().age

    def status(self) -> ReplicaStatus:
        """The partitions that are stale or down, and for how long, for readiness and metrics."""
        return self._state.status(self._when_stale)

    def revoked(self, kind: str, identifier: str) -> None:
        """See `Listener`: a revocation by this process counts at once."""
        self._state.revoked(kind, identifier)

    def revoked_many(self) -> None:
        """See `Listener`: the copy counts again after the next read, which returns the ids."""
        self._state.revoked_many()

    def store_closed(self) -> None:
        """See `Listener`."""
        self._end()
        self._lease.lapse()

    def _end(self) -> None:
        self._finalizer()
        self.watches.close(StoreUnavailable("the copy of the revocation log was closed"))

    def _give_up(self) -> bool:
        """The verdict by `when_stale` for ids that a stale copy does not hold.

        Raises:
            StoreUnavailable: `when_stale` does not accept the token.
        """
        if self._when_stale is WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED:
            return False
        raise StoreUnavailable(STALE)


class Replica(_Shared["SqlStore | RedisStore"]):
    """A `Revocations` on PostgreSQL or Redis that answers from memory.

    It starts reading the log at the first check. It does not know the sessions' rows.
    """

    is_async: ClassVar[Literal[False]] = False
    _readers: ReaderThreads

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session or the token is in the log.

        Raises:
            StoreUnavailable: The copy is stale, and neither the store nor `when_stale` decides.
        """
        until, held = self._lease.until, self._denylist  # `judge`, without its calls
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
        """Start reading, as the first check would."""
        self._readers.ensure()

    def fresh(self) -> bool:
        """Whether checks are answered from memory alone, for readiness."""
        self._readers.ensure()
        return steady_now() < self._lease.until

    def close(self) -> None:
        """Stop reading: from now on the copy is stale. Closes a store made by `from_url`."""
        self._end()
        self._readers.join()
        self._lease.lapse()
        if self._own_store is not None:
            self._own_store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_stale(self, session_id: str | None, token_id: str | None) -> bool:
        self._readers.ensure()
        verdict = self._state.judge(session_id, token_id)
        if verdict is not None:  # only another partition is stale
            return verdict
        if self._when_stale is WhenStale.ASK:
            if not self._state.may_ask(session_id, token_id):
                raise StoreUnavailable(_CUT_OFF)
            return self._store.is_revoked(session_id, token_id)
        self._readers.wait(session_id, token_id)
        verdict = self._state.judge(session_id, token_id)
        return self._give_up() if verdict is None else verdict


class AsyncReplica(_Shared["AsyncSqlStore | AsyncRedisStore"]):
    """`Replica` for `await`; its tasks run on the event loop of the first check."""

    is_async: ClassVar[Literal[True]] = True
    _readers: ReaderTasks

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `Replica.is_revoked`."""
        until, held = self._lease.until, self._denylist  # `judge`, without its calls
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
        self._readers.ensure()

    async def fresh(self) -> bool:
        """See `Replica.fresh`."""
        self._readers.ensure()
        return steady_now() < self._lease.until

    async def close(self) -> None:
        """See `Replica.close`."""
        self._end()
        await self._readers.join()
        self._lease.lapse()
        if self._own_store is not None:
            await self._own_store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _check_stale(self, session_id: str | None, token_id: str | None) -> bool:
        self._readers.ensure()
        verdict = self._state.judge(session_id, token_id)
        if verdict is not None:  # only another partition is stale
            return verdict
        if self._when_stale is WhenStale.ASK:
            if not self._state.may_ask(session_id, token_id):
                raise StoreUnavailable(_CUT_OFF)
            return await self._store.is_revoked(session_id, token_id)
        await self._readers.wait(session_id, token_id)
        verdict = self._state.judge(session_id, token_id)
        return self._give_up() if verdict is None else verdict


def replica_of(
    store: Any,
    *,
    max_staleness: float = MAX_STALENESS_S,
    when_stale: WhenStale = WhenStale.ASK,
) -> Any:
    """The replica of a `SqlStore` or `RedisStore`, async for an async one; managers take it.

    On SQLite it asks the store for each check, and `max_staleness` and `when_stale` do nothing.

    Raises:
        SettingsRejected: The store has no revocation log, as `MemoryStore` has none, or
            `max_staleness` is out of bounds.
    """
    if getattr(store, "database", None) == "sqlite":
        from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica  # noqa: PLC0415

        return (AsyncSqliteReplica if store.is_async else SqliteReplica)(store)
    kind: Any = AsyncReplica if getattr(store, "is_async", False) else Replica
    return kind(store, max_staleness=max_staleness, when_stale=when_stale)
