"""`SqliteReplica` and `AsyncSqliteReplica`: checks that ask the SQLite store, never stale.

SQLite runs in this process: a copy of the log would save a check a few microseconds
(docs/decisions/0012-sqlite-has-no-copy.md). With each check the store

1. reads the database as it is at that moment, so that every acknowledged revocation counts;
2. compares device and inode of the file and its write-ahead log, so that a database that was
   replaced fails the check;
3. writes nothing and leaves no statement open, so that no check blocks a checkpoint;
4. raises `StoreUnavailable` if it cannot read within its time limit.
"""

from functools import partial
from math import inf
from typing import ClassVar, Final, Generic, Literal, TypeVar

from gatepass.errors import SettingsRejected, StoreUnavailable, TokenRevoked
from gatepass.revocations.lease import steady_now
from gatepass.revocations.staleness import MAX_STALENESS_S, ReplicaStatus
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from gatepass.watches import POLL_S, Steps, Watches

S = TypeVar("S", SqlStore, AsyncSqlStore)

_LOG: Final = "log"
_MOST_READ: Final = 1_000
"""Entries that a look reads; beyond that number looking each watch up takes less time."""
SILENT: Final = "the revocation log cannot be read"


class _Asking(Generic[S]):
    """The store, and the time since which it does not answer."""

    def __init__(self, store: S) -> None:
        if store.database != "sqlite":
            raise SettingsRejected("this replica needs a store on SQLite")
        self._store: S = store
        self._began = steady_now()
        self._log_end: int | None = None
        self._silent_since: float | None = None
        self.watches = Watches(self._look, POLL_S)
        """The connections that end when the store's log says so."""
        store.listeners.add(self)
        self._down_since: float | None = -inf

    @property
    def age(self) -> float:
        """Seconds since the store stopped answering; infinite before it ever answered."""
        return self.status().age

    def status(self) -> ReplicaStatus:
        """The state after the last check or `fresh`, for readiness and metrics."""
        now, since = steady_now(), self._down_since
        failing = {} if since is None else {_LOG: now - max(since, self._began)}
        return ReplicaStatus(
            is_fresh=since is None,
            age=0.0 if since is None else now - since,
            entries=0,
            stale_for=failing,
            down_for=failing,
            why_down=None if since is None else SILENT,
        )

    def revoked(self, kind: str, identifier: str) -> None:
        """See `Listener`."""
        self.watches.end_all([(kind, identifier)])

    def revoked_many(self) -> None:
        """See `Listener`: the next look reads the ids."""

    def store_closed(self) -> None:
        """See `Listener`."""
        self.watches.close(StoreUnavailable("the store is closed"))

    def _look(self) -> Steps[None]:
        """Read new entries of the log; without an answer for long enough all watches end."""
        failure = yield from self._read_log()
        at = steady_now()
        if failure is None:
            self._silent_since = None
            return
        self._silent_since = self._silent_since or at
        if self._silent_since + MAX_STALENESS_S <= at:
            for watch in self.watches.held():
                self.watches.over(watch, StoreUnavailable(SILENT))

    def _read_log(self) -> Steps[Exception | None]:
        work, run, before = self._store.work, self._store.run, self._log_end
        end = yield partial(run, work.log_end())
        if end == before or isinstance(end, Exception):
            return end if isinstance(end, Exception) else None
        if before is not None and 0 < end - before <= _MOST_READ:
            entries = yield partial(run, work.read_log(before))
            if isinstance(entries, Exception):
                return entries
            end = max(number for _, _, number in entries) if entries else before
            self.watches.end_all(entries)
        else:  # the first look in a while, or another log: whatever was missed is in the store
            for watch in self.watches.held():
                claims = watch.claims
                ids = (claims.session_id, claims.token_id)
                is_revoked = yield partial(self._store.is_revoked, *ids)
                if isinstance(is_revoked, Exception):
                    return is_revoked
                if is_revoked:
                    self.watches.over(watch, TokenRevoked())
        self._log_end = end
        return None

    def _fail(self) -> None:
        if self._down_since is None:
            self._down_since = steady_now()


class SqliteReplica(_Asking[SqlStore]):
    """A `Revocations` that asks the store, with the methods of `Replica`.

    Raises:
        SettingsRejected: The store is not on SQLite.
    """

    is_async: ClassVar[Literal[False]] = False

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session was revoked or is missing, or the token was revoked.

        Raises:
            StoreUnavailable: The store cannot be read.
        """
        try:
            verdict = self._store.is_revoked(session_id, token_id)
        except StoreUnavailable:
            self._fail()
            raise
        self._down_since = None
        return verdict

    def fresh(self) -> bool:
        """Whether the store answers, for readiness."""
        try:
            self.is_revoked(None, None)
        except StoreUnavailable:
            return False
        return True

    def start(self) -> None:
        """Open the database, as the first check would."""
        self.fresh()

    def close(self) -> None:
        """Do nothing: the connections belong to the store."""


class AsyncSqliteReplica(_Asking[AsyncSqlStore]):
    """`SqliteReplica` for `await`."""

    is_async: ClassVar[Literal[True]] = True

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `SqliteReplica.is_revoked`."""
        try:
            verdict = await self._store.is_revoked(session_id, token_id)
        except StoreUnavailable:
            self._fail()
            raise
        self._down_since = None
        return verdict

    async def fresh(self) -> bool:
        """See `SqliteReplica.fresh`."""
        try:
            await self.is_revoked(None, None)
        except StoreUnavailable:
            return False
        return True

    async def start(self) -> None:
        """See `SqliteReplica.start`."""
        await self.fresh()

    async def close(self) -> None:
        """See `SqliteReplica.close`."""
