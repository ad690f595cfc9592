"""`SqliteReplica` and `AsyncSqliteReplica`: checks that ask the SQLite store, never stale.

SQLite runs in this process: a copy of the log would save a check a few microseconds
(docs/decisions/0012-sqlite-has-no-copy.md). With each check the store

1. reads the database as it is at that moment, so that every acknowledged revocation counts;
2. compares device and inode of the file and its write-ahead log, so that a database that was
   replaced fails the check;
3. writes nothing and leaves no statement open, so that no check blocks a checkpoint;
4. raises `StoreUnavailable` if it cannot read within its time limit.
"""

from math import inf
from typing import ClassVar, Final, Generic, Literal, TypeVar

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.revocations.lease import steady_now
from gatepass.revocations.staleness import ReplicaStatus
from gatepass.stores.sql import AsyncSqlStore, SqlStore

S = TypeVar("S", SqlStore, AsyncSqlStore)

_LOG: Final = "log"


class _Asking(Generic[S]):
    """The store, and the time since which it does not answer."""

    def __init__(self, store: S) -> None:
        if store.database != "sqlite":
            raise SettingsRejected("this replica needs a store on SQLite")
        self._store: S = store
        self._began = steady_now()
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
            why_down=None if since is None else "the revocation log cannot be read",
        )

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
