"""The tasks that read a revocation log for async checks, on the event loop that is running."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context
from functools import partial

from gatepass._forks import ForkAware, watch_forks
from gatepass.revocations.lease import steady_now
from gatepass.revocations.reader_threads import PAUSES_S
from gatepass.revocations.readers import AsyncReader
from gatepass.revocations.state import CHECK_WAIT_S, ReplicaState


class ReaderTasks(ForkAware):
    """`ReaderThreads` for `await`: tasks on one event loop, and on the next when that is closed."""

    def __init__(self, state: ReplicaState, new_reader: Callable[[int], AsyncReader]) -> None:
        self._state = state
        self._new_reader = new_reader
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._readers: list[AsyncReader] = []
        self._news = asyncio.Event()
        self._is_ended = False
        watch_forks(self)

    def ensure(self) -> None:
        """Start tasks on the running loop unless tasks run already, or `stop` was called."""
        loop = asyncio.get_running_loop()
        if self._is_ended or self._is_running_for(loop):
            return
        with self._lock:
            if self._is_running_for(loop):
                return
            self._let_go(loop)
            self._state.begin()
            self._loop = loop
            self._news = asyncio.Event()
            self._readers = [self._new_reader(each) for each in range(len(self._state.partitions))]
            self._tasks = [
                Context().run(  # the context of the first check is its request's
                    partial(loop.create_task, name=f"gatepass-revocations-{partition}"),
                    self._run(partition, reader),
                )
                for partition, reader in enumerate(self._readers)
            ]

    async def wait(self, session_id: str | None, token_id: str | None) -> None:
        """See `ReaderThreads.wait`; returns at once if the tasks run on another thread's loop."""
        longest = steady_now() + CHECK_WAIT_S  # see `ReaderThreads.wait`
        while not self._state.covers(session_id, token_id):
            left = min(self._state.wait_until, longest) - steady_now()
            if left <= 0 or self._is_ended or self._loop is not asyncio.get_running_loop():
                return
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return

    def stop(self) -> None:
        """End the tasks soon, and start no others."""
        self._is_ended = True

    async def join(self) -> None:
        """Cancel the tasks of the running loop and wait for their end."""
        tasks, self._tasks = self._tasks, []
        if self._loop is asyncio.get_running_loop():
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._news.set()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; the parent's loop goes on in the parent alone."""
        if in_child:
            self._abandon()
            self._lock = threading.Lock()

    def _is_running_for(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether tasks run on this loop, or on one that runs in another thread."""
        return (
            self._loop is not None
            and (self._loop is loop or self._loop.is_running())
            and not any(task.done() for task in self._tasks)
        )

    def _let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is loop:
            for task in self._tasks:
                task.cancel()
        else:
            self._abandon()

    def _abandon(self) -> None:
        for reader in self._readers:
            reader.abandon()
        self._loop, self._readers, self._tasks = None, [], []

    async def _run(self, partition: int, reader: AsyncReader) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while not self._is_ended and reader in self._readers:
                try:
                    sent = await reader.read(self._state.read_wait_of(partition))
                except Exception as error:  # noqa: BLE001 - the lease ends; reading goes on
                    if not loop.is_running():  # it was closed without ending its tasks
                        return
                    self._state.fail(partition, error)
                else:
                    failures = 0
                    if sent is not None:
                        self._state.read(partition, sent)
                        self._wake()
                    continue
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
        finally:
            if loop.is_running():
                await reader.close()
            else:
                reader.abandon()

    def _wake(self) -> None:
        """Wake every check that waits, and have later ones wait for the next read."""
        news, self._news = self._news, asyncio.Event()
        news.set()
