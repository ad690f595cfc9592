"""`PasswordPool`: a few threads for argon2 and a short queue, so that logins cannot pile up."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from gatepass.http import RequestRefused
from gatepass.http.problems import RATE_LIMITED

_P = ParamSpec("_P")
_R = TypeVar("_R")


class PasswordPool:
    """Threads for argon2 on an event loop; when all are busy and the queue is full, it rejects.

    Each check takes 64 MiB while it runs: without a bound, a burst of logins takes them all at
    once.
    """

    def __init__(self, *, workers: int = 2, waiting: int = 16) -> None:
        """Take the number of threads, and of calls that may wait for one."""
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="gatepass-argon2")
        self._slots = threading.BoundedSemaphore(workers + waiting)

    async def run(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """The result of `work`; its slot is free again when it ends, not when a client leaves.

        Raises:
            RequestRefused: Too many calls wait already; the auth routes answer 429.
        """
        if not self._slots.acquire(blocking=False):
            raise RequestRefused(RATE_LIMITED, retry_after=1)
        future = self._executor.submit(work, *args, **kwargs)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let the running calls end and drop the waiting ones."""
        self._executor.shutdown(cancel_futures=True)

    def _leave(self, _: Future[_R]) -> None:
        self._slots.release()
