"""A connection that stays open, and the messages that end it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gatepass.asgi import AsgiApp
from tests.budget import PATIENCE_S

CLOSED = {"type": "websocket.close", "code": 4401, "reason": "token_revoked"}
LAST = {"type": "http.response.body", "body": b"", "more_body": False}


class Client:
    """One connection to an application, whose server passes its messages on."""

    def __init__(self, app: AsgiApp, scope: dict[str, Any]) -> None:
        self.sent: list[dict[str, Any]] = []
        self.arriving: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.progress = asyncio.Event()
        if scope["type"] == "websocket":
            self.arriving.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(app(scope, self.arriving.get, self._send))

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            await asyncio.Event().wait()  # a client that does not read
        self.sent.append(dict(message))
        self.progress.set()

    async def until(self, kind: str) -> None:
        """Wait until the application has sent a message of this kind."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(message["type"] == kind for message in self.sent):
                assert not self.task.done() or not self.task.result(), self.sent
                self.progress.clear()
                await self.progress.wait()

    async def over(self) -> list[dict[str, Any]]:
        """All that was sent, once the application has returned."""
        async with asyncio.timeout(PATIENCE_S):
            await self.task
        return self.sent


Open = Callable[..., Awaitable[tuple[Client, Any]]]
"""Opens a connection to an application; also its token pair."""
