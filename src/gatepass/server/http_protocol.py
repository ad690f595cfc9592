"""uvicorn's HTTP protocol with a deadline for every connection and a limit on their number.

uvicorn waits for ever for the rest of a request's head, and closes no connection whose client
does not read: some hundred silent sockets would otherwise be all that this process can have.
"""

import asyncio
from collections import Counter
from typing import Any, Final

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from gatepass.http import RequestRefused, TrustedProxies, answer_refused
from gatepass.http.addresses import block_of
from gatepass.http.problems import INVALID_REQUEST

HEAD_S: Final = 10.0
"""Seconds in which a request's head has to arrive, from the connection's or its turn's begin."""
EXCHANGE_S: Final = 60.0
"""Seconds for everything between a request's head and the last byte of the answer."""
_FIRST_S: Final = 1.0
"""Seconds for a connection's first request that is on its way to a server that ends."""
_LINGER_S: Final = 0.25
"""The same for a next request."""
_SHARE: Final = 4
"""One address may have a quarter of all connections."""


class ConnectionLimit:
    """The connections of one process, in the order in which they fell silent.

    A connection above the limit ends the one that has been silent longest, or is closed itself
    where no other is silent.
    """

    def __init__(self, connections: int, proxies: TrustedProxies | None = None) -> None:
        """Set the limit.

        Args:
            connections: The number of connections that may be open.
            proxies: Addresses that speak for many clients, and may have all connections.
        """
        self._total = connections
        self._share = max(1, connections // _SHARE)
        self._proxies = proxies or TrustedProxies()
        self._open: Counter[str] = Counter()
        self._silent: dict[Connection, None] = {}

    def add(self, connection: "Connection") -> None:
        """Count a new connection, which is silent; above the limit one is closed."""
        self._open[connection.block] += 1
        self._silent[connection] = None
        is_proxy = self._proxies.trusts(connection.address)
        if self._open[connection.block] > self._share and not is_proxy:
            self._close_longest(connection.block)
        elif self._open.total() > self._total:
            self._close_longest(None)

    def remove(self, connection: "Connection") -> None:
        """Forget a connection that has ended."""
        self._silent.pop(connection, None)
        self._open[connection.block] -= 1
        if not self._open[connection.block]:
            del self._open[connection.block]

    def note(self, connection: "Connection", *, waits: bool) -> None:
        """Note that a connection waits for its client, or that its request is being handled."""
        self._silent.pop(connection, None)
        if waits:
            self._silent[connection] = None

    def _close_longest(self, block: str | None) -> None:
        longest = next(each for each in self._silent if block in {None, each.block})
        del self._silent[longest]
        longest.transport.abort()


class Connection(H11Protocol):
    """One connection of uvicorn's, with a deadline at every moment of its life."""

    def __init__(
        self,
        *args: Any,
        limit: ConnectionLimit,
        head_s: float = HEAD_S,
        exchange_s: float = EXCHANGE_S,
        first_s: float = _FIRST_S,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.address = self.block = "unknown"
        self._limit = limit
        self._head_s, self._exchange_s, self._first_s = head_s, exchange_s, first_s
        self._awaits_head = self._waits = True
        self._is_ending = False
        self._ends = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        if self.client is not None:
            self.address = self.client[0]
            self.block = block_of(self.address)
        self._set_deadline(self._head_s)
        self._limit.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if self._timer is not None:
            self._timer.cancel()
        self._limit.remove(self)
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

    def shutdown(self) -> None:
        """See `H11Protocol`: answer requests that are under way or on their way, then close.

        A request whose head has begun keeps its deadline.
        """
        self._is_ending = True
        self._mark_last()
        cycle: Any = self.cycle  # None before the first request, which uvicorn's type denies
        if cycle is None or cycle.response_complete:
            linger_s = self._first_s if cycle is None else _LINGER_S
            self.loop.call_later(linger_s, self._close_idle)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Answer a request that is no HTTP with the JSON of every refusal, and hang up."""
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
            ("X-Content-Type-Options", "nosniff"),
        ]
        for event in (
            h11.Response(status_code=answer.status, headers=headers, reason=b"Bad Request"),
            h11.Data(data=answer.body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def _look(self, *, is_answered: bool = False) -> None:
        """Find out whether the connection waits for its client, and start a new deadline."""
        if self.transport.is_closing():
            return
        self._mark_last()
        awaits_head = self.conn.their_state is h11.IDLE
        if is_answered or awaits_head is not self._awaits_head:
            self._awaits_head = awaits_head
            self._set_deadline(self._seconds(awaits_head=awaits_head))
        waits = awaits_head or self.conn.their_state is h11.SEND_BODY or self.flow.write_paused
        if is_answered or waits is not self._waits:
            self._waits = waits
            self._limit.note(self, waits=waits)

    def _mark_last(self) -> None:
        """Close the connection after a request that is the last one.

        So it is when the server ends. A request with both `Content-Length` and `Transfer-Encoding`
        may be read in another way by a proxy, which takes the answer for that of the next request
        (RFC 9112 §6.1).
        """
        cycle: Any = self.cycle
        if cycle is None or not cycle.keep_alive:
            return
        if cycle.response_started:
            cycle.keep_alive = not self._is_ending  # its headers are gone already
            return
        names = {name for name, _ in cycle.scope["headers"]}
        if self._is_ending or names >= {b"content-length", b"transfer-encoding"}:
            cycle.keep_alive = False
            cycle.default_headers = [*cycle.default_headers, CLOSE_HEADER]

    def _close_idle(self) -> None:
        """Close a connection whose client sent nothing at all, or nothing since its last answer."""
        cycle: Any = self.cycle
        is_idle = cycle is None or cycle.response_complete
        if is_idle and not self.conn.trailing_data[0] and not self.transport.is_closing():
            super().shutdown()

    def _seconds(self, *, awaits_head: bool) -> float:
        """The time for the next part of the exchange; a client may keep a connection idle."""
        if not awaits_head:
            return self._exchange_s
        is_begun = bool(self.conn.trailing_data[0])
        return self._head_s + (0 if is_begun else self.timeout_keep_alive)

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
