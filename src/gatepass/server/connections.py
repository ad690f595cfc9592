"""HTTP connections that end: each has a deadline, and only so many have room.

uvicorn waits for ever for the rest of a request's head, and closes no connection whose client
does not read: some hundred silent sockets would otherwise be all that this process can have.
"""

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gatepass.http import RequestRefused, answer_refused
from gatepass.http.problems import INVALID_REQUEST
from gatepass.server.places import Network, is_within, place_of

HEAD_S: Final = 10.0
"""Seconds in which a request's head has to arrive, from the connection's or its turn's begin."""
EXCHANGE_S: Final = 60.0
"""Seconds for everything between a request's head and the last byte of the answer."""
_SHARE: Final = 4
"""One address may have a quarter of all connections."""


class Room:
    """The connections of one process, in the order in which they fell silent.

    Who comes when there is no room takes that of the one that has been silent longest; where
    none is silent it is turned away.
    """

    def __init__(self, connections: int, proxies: Collection[Network] = ()) -> None:
        """Make room.

        Args:
            connections: How many there may be.
            proxies: Addresses that speak for many clients, and may have all the room.
        """
        self._total = connections
        self._share = max(1, connections // _SHARE)
        self._proxies = tuple(proxies)
        self._of_place: Counter[str] = Counter()
        self._silent: dict[Connection, None] = {}

    def enter(self, connection: "Connection") -> None:
        """Take a connection in, which is silent; somebody may have to go for it."""
        self._of_place[connection.place] += 1
        self._silent[connection] = None
        if self._of_place[connection.place] > self._share and not self._is_proxy(connection):
            self._turn_out(connection.place)
        elif self._of_place.total() > self._total:
            self._turn_out(None)

    def leave(self, connection: "Connection") -> None:
        """Forget a connection that has ended."""
        self._silent.pop(connection, None)
        self._of_place[connection.place] -= 1
        if not self._of_place[connection.place]:
            del self._of_place[connection.place]

    def note(self, connection: "Connection", *, waits: bool) -> None:
        """It begins to wait for its client; or its request is at work, and keeps its room."""
        self._silent.pop(connection, None)
        if waits:
            self._silent[connection] = None

    def _turn_out(self, place: str | None) -> None:
        longest = next(each for each in self._silent if place in {None, each.place})
        del self._silent[longest]
        longest.transport.abort()

    def _is_proxy(self, connection: "Connection") -> bool:
        return is_within(connection.address, self._proxies)


class Connection(H11Protocol):
    """One connection of uvicorn's, with a deadline at every moment of its life."""

    def __init__(
        self,
        *args: Any,
        room: Room,
        head_s: float = HEAD_S,
        exchange_s: float = EXCHANGE_S,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.address = self.place = "unknown"
        self._room = room
        self._head_s, self._exchange_s = head_s, exchange_s
        self._awaits_head = self._waits = True
        self._ends = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        if self.client is not None:
            self.address = self.client[0]
            self.place = place_of(self.address)
        self._set_deadline(self._head_s)
        self._room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if self._timer is not None:
            self._timer.cancel()
        self._room.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`; bytes of an unfinished head win no time."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """See `H11Protocol`: the next request's time begins."""
        super().on_response_complete()
        self._look(is_answered=True)

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`: the client does not read."""
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        super().resume_writing()
        self._look()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Answer what is no HTTP as everything else is answered, and hang up."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # its answer would follow ours
            self.cycle.message_event.set()
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()
            return
        answer = answer_refused(RequestRefused(INVALID_REQUEST))
        headers = [
            *answer.headers,
            ("Content-Length", str(len(answer.body))),
            ("Connection", "close"),
        ]
        for event in (
            h11.Response(status_code=answer.status, headers=headers, reason=b"Bad Request"),
            h11.Data(data=answer.body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def _look(self, *, is_answered: bool = False) -> None:
        """Find out whether anything but the client is waited for, and what has begun anew."""
        if self.transport.is_closing():
            return
        awaits_head = self.conn.their_state is h11.IDLE
        if is_answered or awaits_head is not self._awaits_head:
            self._awaits_head = awaits_head
            self._set_deadline(self._head_s if awaits_head else self._exchange_s)
        waits = awaits_head or self.conn.their_state is h11.SEND_BODY or self.flow.write_paused
        if is_answered or waits is not self._waits:
            self._waits = waits
            self._room.note(self, waits=waits)

    def _set_deadline(self, seconds: float) -> None:
        """Move the deadline; a timer that runs already finds out when it fires."""
        self._ends = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._ends:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_at(self._ends, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self.loop.time() >= self._ends:
            self.transport.abort()
        else:
            self._timer = self.loop.call_at(self._ends, self._look_at_the_clock)
