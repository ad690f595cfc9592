"""Many websocket clients, which note when and how each was closed."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.budget import PATIENCE_S

AT_ONCE = 25
"""Handshakes under way at a time."""


@dataclass(eq=False)
class Client:
    """One websocket, and what became of it."""

    port: int
    path: str
    session_id: str
    token: str = field(repr=False)
    closed_ns: int = 0
    code: int | None = None
    reason: str = ""
    connection: ClientConnection = field(init=False, repr=False)
    listening: "asyncio.Task[None]" = field(init=False, repr=False)
    answers: "asyncio.Queue[str | bytes]" = field(default_factory=asyncio.Queue, repr=False)

    async def open(self, gate: asyncio.Semaphore) -> None:
        """Connect, and know by an answer that the handler runs."""
        async with gate:
            self.connection = await connect(
                f"ws://127.0.0.1:{self.port}{self.path}",
                additional_headers={"Authorization": f"Bearer {self.token}"},
                compression=None,
                ping_interval=None,
                open_timeout=PATIENCE_S,
                close_timeout=PATIENCE_S,
                proxy=None,
            )
        self.listening = asyncio.create_task(self._listen())
        await self.ask()

    async def ask(self) -> None:
        """Send something and wait until it comes back."""
        await self.connection.send("still here?")
        await self.answers.get()

    async def _listen(self) -> None:
        try:
            while True:
                self.answers.put_nowait(await self.connection.recv())
        except ConnectionClosed as closed:
            self.closed_ns = time.monotonic_ns()
            if closed.rcvd is not None:
                self.code, self.reason = closed.rcvd.code, closed.rcvd.reason


async def open_all(clients: Iterable[Client]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    async with asyncio.timeout(10 * PATIENCE_S):
        await asyncio.gather(*(client.open(gate) for client in clients))


async def until_closed(clients: Iterable[Client]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(client.listening for client in clients))


async def require_open(clients: Iterable[Client]) -> None:
    """Return when each of them got an answer."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(client.ask() for client in clients))


async def close_all(clients: Iterable[Client]) -> None:
    await asyncio.gather(*(client.connection.close() for client in clients))
