"""Runs the steps of operations on SQLite without making an event loop wait."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Engine

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.stores.deadline import DEADLINE, find_deadline
from gatepass.stores.sql.sqlite.connection import Read, WouldWait
from gatepass.stores.sql.sqlite.database import SqliteDatabase
from gatepass.stores.steps import Steps

T = TypeVar("T")

_THREADS: Final = 4


class AsyncSqliteDatabase(ForkAware):
    """`SqliteDatabase` for `await`, by a few threads that belong to no event loop."""

    def __init__(self, engine: Engine) -> None:
        self._database = SqliteDatabase(engine)
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False
        watch_forks(self)

    async def run(self, steps: Steps[T]) -> T:
        """The fact that the steps return; a quick read runs here if no lock is in the way."""
        step: Any = next(steps)
        if isinstance(step, Read) and step.is_quick:
            try:
                step = steps.send(self._database.try_read(step))
            except WouldWait:
                pass
            except StopIteration as end:
                fact: T = end.value
                return fact
        return await self.in_thread(partial(self._database.run, steps, step))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """The result of the work, from a thread.

        A caller that is cancelled leaves; the work goes on to its end, transaction and all.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._executor is None:
            self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="gatepass")
        job = partial(_run_until, find_deadline(), work)
        try:
            under_way = asyncio.get_running_loop().run_in_executor(self._executor, job)
        except RuntimeError as error:  # there are too many threads, or the program ends
            raise StoreUnavailable("no thread is left to ask the database") from error
        return await under_way

    async def close(self) -> None:
        """Close every connection, let the threads end what they do, and see them gone."""
        try:
            await self.in_thread(self._database.close)
        except StoreUnavailable:  # closed before, or no thread is left
            self._database.close()
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
