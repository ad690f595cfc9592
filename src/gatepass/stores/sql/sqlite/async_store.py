"""`AsyncSqlStore` on SQLite: the twin of `SqliteStore` that never makes an event loop wait."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ClassVar, Final, Literal, ParamSpec, TypeVar

from sqlalchemy import Engine

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.sessions import (
    IssuePlan,
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationPlan,
    Session,
)
from gatepass.stores.deadline import DEADLINE, find_deadline
from gatepass.stores.sql.sqlite.connection import WouldWait
from gatepass.stores.sql.sqlite.store import SqliteStore

P = ParamSpec("P")
T = TypeVar("T")

_THREADS: Final = 4


class Threads(ForkAware):
    """A few threads for what may wait; they belong to no event loop."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False
        watch_forks(self)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work returns, from a thread.

        A caller that is cancelled leaves; the work goes on to its end, transaction and all.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._executor is None:
            self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="gatepass")
        job = partial(_run_until, find_deadline(), partial(work, *args, **kwargs))
        try:
            under_way = asyncio.get_running_loop().run_in_executor(self._executor, job)
        except RuntimeError as error:  # there are too many threads, or the program ends
            raise StoreUnavailable("no thread is left to ask the database") from error
        return await under_way

    async def close(self) -> None:
        """Take no more work, let the threads end what they do, and see them gone."""
        self._closed = True
        executor, self._executor = self._executor, None
        if executor is None:
            return
        executor.shutdown(wait=False)
        gone, loop = asyncio.Event(), asyncio.get_running_loop()

        def witness() -> None:
            executor.shutdown()
            with suppress(RuntimeError):  # the loop was closed by now
                loop.call_soon_threadsafe(gone.set)

        watching = threading.Thread(target=witness, name="gatepass")
        with suppress(RuntimeError):  # no more threads: the others end without a witness
            watching.start()
            await gone.wait()
            watching.join()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; threads stay behind in the parent."""
        if in_child:
            self._executor = None


def _run_until(deadline: float, work: Callable[[], T]) -> T:
    """Do the work unless its time passed while it queued."""
    if time.monotonic() > deadline:
        raise StoreUnavailable("the database is locked")
    token = DEADLINE.set(deadline)
    try:
        return work()
    finally:
        DEADLINE.reset(token)


class AsyncSqliteStore:
    """`SqliteStore` for `await`; its promises are the same.

    The revocation check runs where it is called, in microseconds, as long as no lock is in the
    way. Everything else runs in threads. One store serves any number of event loops.
    """

    is_async: ClassVar[Literal[True]] = True

    def __init__(self, engine: Engine, *, clock: Callable[[], float] | None = None) -> None:
        self.twin = SqliteStore(engine, clock=clock)
        self.threads = Threads()

    @property
    def engine(self) -> Engine:
        """See `SqliteStore.engine`."""
        return self.twin.engine

    async def upgrade(self) -> None:
        """See `SqliteStore.upgrade`."""
        await self.threads.run(self.twin.upgrade)

    async def issue(self, plan: IssuePlan) -> Session | None:
        """See `SqliteStore.issue`."""
        return await self.threads.run(self.twin.issue, plan)

    async def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `SqliteStore.rotate`."""
        return await self.threads.run(self.twin.rotate, plan)

    async def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """See `SqliteStore.issue_opaque`."""
        return await self.threads.run(self.twin.issue_opaque, plan)

    async def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """See `SqliteStore.find_opaque`."""
        return await self.threads.run(self.twin.find_opaque, opaque_id)

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `SqliteStore.is_revoked`."""
        try:
            return self.twin.try_is_revoked(session_id, token_id)
        except WouldWait:
            return await self.threads.run(self.twin.is_revoked, session_id, token_id)

    async def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `SqliteStore.revoke_session`."""
        return await self.threads.run(
            self.twin.revoke_session, session_id, reason=reason, sec_hash=sec_hash
        )

    async def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `SqliteStore.revoke_token`."""
        await self.threads.run(self.twin.revoke_token, token_id, lifetime_ms=lifetime_ms)

    async def revoke_subject(self, subject: str, *, reason: str) -> int:
        """See `SqliteStore.revoke_subject`."""
        return await self.threads.run(self.twin.revoke_subject, subject, reason=reason)

    async def revoke_all(self, *, reason: str) -> int:
        """See `SqliteStore.revoke_all`."""
        return await self.threads.run(self.twin.revoke_all, reason=reason)

    async def sessions(self, subject: str) -> list[Session]:
        """See `SqliteStore.sessions`."""
        return await self.threads.run(self.twin.sessions, subject)

    async def subject_epoch(self, subject: str) -> int:
        """See `SqliteStore.subject_epoch`."""
        return await self.threads.run(self.twin.subject_epoch, subject)

    async def purge(self) -> int:
        """See `SqliteStore.purge`."""
        return await self.threads.run(self.twin.purge)

    async def close(self) -> None:
        """See `SqliteStore.close`."""
        try:
            await self.threads.run(self.twin.close)
        except StoreUnavailable:  # closed before, or no thread is left
            self.twin.close()
        await self.threads.close()
