"""`AsyncWatch`: one connection, which ends with its session or token by cancelling its task.

1. It turns its own cancellation into the error, as `asyncio.timeout` does: only if no other
   cancellation of the task is under way. A cancellation by somebody else stays one.
2. It cancels from the event loop, while its task waits inside the block. So the cancellation
   arrives inside the block and never behind it.
3. Code inside may lose a cancellation, as `asyncio.wait_for` of Python 3.11 does while messages
   keep coming. So the task is cancelled again every second, until it leaves the block.
"""

import asyncio
from collections.abc import Generator
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from gatepass.watches.registry import NOT_INSIDE
from gatepass.watches.watch import C, CommonWatch

_AGAIN_S: Final = 1.0


class AsyncWatch(CommonWatch[C]):
    """A connection that ends when its session or token ends, by cancelling the block's task.

    Inside the block, `await watch` waits for the end and answers with its reason.
    """

    __slots__ = ("_cancelling", "_cancels", "_over", "_sent", "_task")

    def __init__(self, *parts: Any, cancel: bool) -> None:
        super().__init__(*parts)
        self._cancels = cancel
        self._cancelling = 0
        self._sent = 0
        """How often the task was cancelled by this watch."""
        self._task: asyncio.Task[Any] | None = None
        self._over: asyncio.Event | None = None
        """Made for the first that waits: it is larger than all the rest."""

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a watch is entered by a task")
        self.loop = task.get_loop()
        await self._enter()
        self._task, self._cancelling = task, task.cancelling()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        self._watches.discard(self)
        if self._over is not None:
            self._over.set()
        if task is None or self.error is None or not self._sent:
            return
        left = [task.uncancel() for _ in range(self._sent)][-1]
        is_ours = left <= self._cancelling
        if is_ours and (kind is None or issubclass(kind, asyncio.CancelledError)):
            raise self.error from error

    def __await__(self) -> Generator[Any, None, str]:
        return self.ended().__await__()

    async def ended(self) -> str:
        """Wait for the end inside the block, in any number of tasks; answers with the reason.

        Raises:
            RuntimeError: The block was not entered, or was left before the end.
        """
        if self._task is not None and self.error is None:
            if self._over is None:
                self._over = asyncio.Event()
            await self._over.wait()
        if self.reason is None:
            raise RuntimeError(NOT_INSIDE)
        return self.reason

    async def renew(self, token: str | None) -> C:
        """Go on by a refreshed access token of the same session and subject; its claims.

        Raises:
            TokenInvalid: The token is of another session or subject.
            GatepassError: The token is rejected, or the connection is over already.
        """
        return await self._renew(token)

    def let_go(self) -> None:
        """Cancel no more: the connection is over, and its block goes on to its own end."""
        self._cancels = False

    def deliver(self) -> None:
        """See `Watched.deliver`."""
        with suppress(RuntimeError):  # the loop was closed
            self.loop.call_soon_threadsafe(self._arrive)

    def _arrive(self) -> None:
        if self._over is not None:
            self._over.set()
        if self._cancels and self._task is not None:
            self._sent += 1
            self._task.cancel()
            self.loop.call_later(_AGAIN_S, self._arrive)
