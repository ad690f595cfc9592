"""The revocation log of a SQLite store, held in this process and never stale.

1. Each check asks `PRAGMA data_version` on the replica's own connection. SQLite changes that
   number when another connection commits, so a revocation counts before it is acknowledged.
2. When the number has changed, the check reads the log on from the last entry that it knows.
   Until the last page is read, the copy answers nobody.
3. Each check compares device and inode of the file and its write-ahead log: a database that was
   replaced is noticed by the next check.
4. The connection never writes, and leaves no statement open, so that it blocks no checkpoint.
5. When the log cannot be read, because the file is busy or was replaced, the check asks the
   store; when that fails too, the check raises `StoreUnavailable`.
"""

from contextlib import suppress
from functools import partial
from math import inf
from sqlite3 import Error
from time import monotonic
from typing import ClassVar, Final, Literal

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.revocations.denylist import Denylist
from gatepass.revocations.lease import steady_ms, steady_now
from gatepass.revocations.log import RevocationLog
from gatepass.revocations.sqlite_pages import read_page
from gatepass.revocations.staleness import ReplicaStatus
from gatepass.stores.slots import Slot, Slots
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from gatepass.stores.sql.sqlite_connection import (
    DEADLINE,
    SqliteConnection,
    WouldWait,
    find_deadline,
)
from gatepass.stores.sql.sqlite_store import SqliteStore

_ASK_S: Final = 0.4
"""What is left of a check's time for asking the store when the log is too long to be read."""
_LOG: Final = "log"
_VERSION: Final = "PRAGMA data_version"
_BUSY: Final = "the revocation log is being read"
_RETRY_S: Final = 1.0
"""How long the store alone answers after the copy could not be kept up to date."""


class SqliteReplica(ForkAware):
    """A `Revocations` that answers from memory; it knows the log, not the sessions' rows.

    When the log cannot be read it asks the store, and when that fails too the check fails with
    `StoreUnavailable`. Closing the store closes it.
    """

    is_async: ClassVar[Literal[False]] = False

    def __init__(self, store: SqlStore | SqliteStore) -> None:
        self._store = store if isinstance(store, SqliteStore) else store.sqlite
        self._database = self._store.database
        self._denylist = Denylist()
        self._log = RevocationLog(self._denylist)
        self._reading = Slots(1)
        self._held_by_fork: Slot | None = None
        self._connection: SqliteConnection | None = None
        self._version: int | None = None
        self._retry_at = 0.0
        self._begun = steady_now()
        self._complete_at = self._failed_at = -inf
        self._database.on_close.append(self.close)
        watch_forks(self)

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session or the token is in the log.

        Raises:
            StoreUnavailable: Neither the log nor the store can be read.
        """
        try:
            return self.try_is_revoked(session_id, token_id)
        except WouldWait:
            return self._wait_is_revoked(session_id, token_id)

    def try_is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """`is_revoked`, raising `WouldWait` rather than wait, read much or ask the store."""
        reading = self._reading
        slot = reading.take(0)
        if slot is None:
            raise WouldWait
        try:
            if not self._catch_up():
                raise WouldWait
            return self._denylist.is_held(session_id, token_id)
        finally:
            reading.leave(slot)

    def fresh(self) -> bool:
        """Whether it answers from memory, for readiness; it looks at the database to say so."""
        try:
            self._read_on(find_deadline())
        except (StoreUnavailable, WouldWait):
            self._failed_at = steady_now()
            return False
        return True

    def start(self) -> None:
        """Begin to read, as the first check would."""
        self.fresh()

    def close(self) -> None:
        """Give back the connection; a later check takes another, while the store is open."""
        with suppress(StoreUnavailable):
            self._reading.run(self._drop, find_deadline(), busy=_BUSY)
        self._failed_at = steady_now()

    @property
    def age(self) -> float:
        """For how many seconds the copy may lack something; infinite before it was complete."""
        return self.status().age

    def status(self) -> ReplicaStatus:
        """How it was at the last check or `fresh`, for readiness and metrics."""
        now = steady_now()
        is_fresh = self._complete_at > self._failed_at
        failing = {} if is_fresh else {_LOG: now - max(self._complete_at, self._begun)}
        return ReplicaStatus(
            is_fresh=is_fresh,
            age=0.0 if is_fresh else now - self._complete_at,
            entries=len(self._denylist),
            stale_for=failing,
            down_for=failing,
            why_down=None if is_fresh else "the revocation log cannot be read",
            losses=self._log.alarm.count,
        )

    def before_fork(self) -> None:
        """See `ForkAware`."""
        self._held_by_fork = self._reading.take(monotonic() + _RETRY_S)
        if self._held_by_fork is not None:
            self._drop()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            self._reading = Slots(1)
            self._denylist.after_fork(in_child=True)
            if self._connection is not None:
                self._connection.abandon()
                self._connection = None
        elif self._held_by_fork is not None:
            self._reading.leave(self._held_by_fork)
        self._held_by_fork = None

    def _wait_is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        deadline = find_deadline()
        try:
            self._read_on(deadline)
            return self._denylist.is_held(session_id, token_id)
        except (StoreUnavailable, WouldWait):
            self._failed_at = steady_now()
            token = DEADLINE.set(deadline)
            try:
                return self._store.is_revoked(session_id, token_id)
            finally:
                DEADLINE.reset(token)

    def _connect(self, deadline: float) -> None:
        if monotonic() < self._retry_at:
            raise WouldWait
        try:
            self._connection = self._database.open_reader(deadline)
        except StoreUnavailable:
            self._retry_at = monotonic() + _RETRY_S
            raise
        self._connection.wait(0)
        self._version = None

    def _read_on(self, deadline: float) -> None:
        """Bring the copy up to date; where time runs out the next check reads on from there."""
        self._reading.run(partial(self._catch_up_until, deadline), deadline, busy=_BUSY)

    def _catch_up_until(self, deadline: float) -> None:
        if self._connection is None:
            self._connect(deadline)
        while not self._catch_up():
            if monotonic() >= deadline - _ASK_S:
                raise WouldWait

    def _catch_up(self) -> bool:
        """Bring the copy up to date; `False`: there is more to read. The caller has the slot."""
        connection = self._connection
        if connection is None or self._database.closed:
            raise WouldWait
        try:
            # before the log is read: a later commit changes it again
            version = connection.cursor.execute(_VERSION).fetchall()[0][0]
            if version != self._version:
                page = read_page(connection, self._log, self._store.now_ms)
                if not self._log.merge(page, steady_ms()):
                    return False
            self._database.file.require_both(connection.log)
        except (Error, StoreUnavailable) as error:
            self._give_up()
            raise WouldWait from error
        self._version = version
        self._complete_at = steady_now()
        return True

    def _give_up(self) -> None:
        """Leave it to the store for a while."""
        self._drop()
        self._retry_at = monotonic() + _RETRY_S

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class AsyncSqliteReplica:
    """`SqliteReplica` for `await`: in place while that takes microseconds, else in a thread."""

    is_async: ClassVar[Literal[True]] = True

    def __init__(self, store: AsyncSqlStore) -> None:
        self._twin = SqliteReplica(store.sqlite.twin)
        self._threads = store.sqlite.threads

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `SqliteReplica.is_revoked`."""
        try:
            return self._twin.try_is_revoked(session_id, token_id)
        except WouldWait:
            return await self._threads.run(self._twin.is_revoked, session_id, token_id)

    async def fresh(self) -> bool:
        """See `SqliteReplica.fresh`."""
        try:
            return await self._threads.run(self._twin.fresh)
        except StoreUnavailable:  # closed
            return False

    async def start(self) -> None:
        """See `SqliteReplica.start`."""
        await self.fresh()

    async def close(self) -> None:
        """See `SqliteReplica.close`."""
        with suppress(StoreUnavailable):
            await self._threads.run(self._twin.close)

    @property
    def age(self) -> float:
        """See `SqliteReplica.age`."""
        return self._twin.age

    def status(self) -> ReplicaStatus:
        """See `SqliteReplica.status`."""
        return self._twin.status()
