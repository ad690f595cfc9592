"""`AsyncFollower`: the twin of `Follower`, with tasks on the event loop that is running."""

import asyncio
import logging
import threading
from typing import Final

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.revocations.follower import PAUSES_S
from gatepass.revocations.lease import steady_now
from gatepass.revocations.readers import AsyncReader, AsyncSource
from gatepass.revocations.state import PATIENCE_S, ReplicaState

_LOG: Final = logging.getLogger("gatepass")


class AsyncFollower(ForkAware):
    """Keeps a `ReplicaState` up to date on one loop, and on the next when that one is closed."""

    def __init__(self, state: ReplicaState, source: AsyncSource) -> None:
        self._state = state
        self._source = source
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._readers: list[AsyncReader] = []
        self._news = asyncio.Event()
        self._is_ended = False
        watch_forks(self)

    def ensure(self) -> None:
        """Begin on the running loop, unless somebody follows, or this was stopped for good."""
        loop = asyncio.get_running_loop()
        if self._is_ended or self._is_followed_by(loop):
            return
        with self._lock:
            if self._is_followed_by(loop):
                return
            self._let_go(loop)
            self._state.begin()
            self._loop = loop
            self._news = asyncio.Event()
            self._readers = [self._source.reader(lane) for lane in range(len(self._state.lanes))]
            self._tasks = [
                loop.create_task(self._follow(lane, reader), name=f"gatepass-revocations-{lane}")
                for lane, reader in enumerate(self._readers)
            ]

    async def wait(self, session_id: str | None, token_id: str | None) -> None:
        """See `Follower.wait`; where another loop's thread follows, there is no waiting."""
        longest = steady_now() + PATIENCE_S  # see `Follower.wait`
        while not self._state.covers(session_id, token_id):
            left = min(self._state.patient_until, longest) - steady_now()
            if left <= 0 or self._is_ended or self._loop is not asyncio.get_running_loop():
                return
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return

    def stop(self) -> None:
        """End the tasks soon, and begin no others."""
        self._is_ended = True

    async def join(self) -> None:
        """Wait for the tasks to end, as far as they are of the running loop."""
        tasks, self._tasks = self._tasks, []
        if self._loop is asyncio.get_running_loop():
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._news.set()

    def before_fork(self) -> None:
        """See `ForkAware`."""
        self._state.before_fork()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; the parent's loop goes on in the parent alone."""
        if in_child:
            self._abandon()
            self._lock = threading.Lock()
        self._state.after_fork(in_child=in_child)

    def _is_followed_by(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether tasks are at work: on this loop, or on one that runs in another thread."""
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

    async def _follow(self, lane: int, reader: AsyncReader) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while not self._is_ended and reader in self._readers:
                try:
                    sent = await reader.read(self._state.wait_of(lane))
                except StoreUnavailable as error:
                    self._state.fail(lane, error)
                except Exception as error:  # noqa: BLE001 - the lease lapses; reading goes on
                    if not loop.is_running():  # it was closed without ending its tasks
                        return
                    _LOG.exception("a reader of the revocation log failed")
                    self._state.fail(lane, error)
                else:
                    failures = 0
                    if sent is not None:
                        self._state.read(lane, sent)
                        self._tell()
                    continue
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
        finally:
            if loop.is_running():
                await reader.close()
            else:
                reader.abandon()

    def _tell(self) -> None:
        """Wake whoever waits for news, and let others wait for the next."""
        news, self._news = self._news, asyncio.Event()
        news.set()
