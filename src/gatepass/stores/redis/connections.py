"""`Connections`: runs the steps of operations over blocking sockets, for any number of threads."""

import os
import socket
import struct
import sys
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any, TypeVar

from redis.connection import Connection, UnixDomainSocketConnection
from redis.exceptions import RedisError, ResponseError

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.losses import cause_of, lost_by
from gatepass.stores.redis.target import Target
from gatepass.stores.redis.tls import TlsConnection
from gatepass.stores.redis.wire import (
    MAX_CONNECTIONS,
    NO_REPLY,
    STRANGE,
    Exchange,
    Lost,
    Opener,
    Pause,
    Steps,
    alone,
)
from gatepass.stores.slots import Slot, Slots

T = TypeVar("T")
Peer = tuple[bool, str, int]
"""Whether it is a sentinel, its host and its port."""

Wire = Any
"""A connection of redis-py: its blocking ones have no types."""


class _Pool:
    """The connections of one process; a forked child starts with none."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.slots = Slots(MAX_CONNECTIONS)
        self.idle: defaultdict[Peer, list[Wire]] = defaultdict(list)


class Connections:
    """Opens, keeps and gives back connections."""

    def __init__(self, target: Target) -> None:
        self._opener = Opener(target)
        self._pool = _Pool()
        self._closed = False

    def run(self, steps: Steps[T]) -> T:
        """The result of the steps.

        Raises:
            StoreUnavailable: The steps raise it, or the store is closed.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        lease = _Lease(self._opener, self._current())
        try:
            return _perform(steps, lease)
        finally:
            lease.give_back()
            if self._closed:  # meanwhile, by another thread
                self.close()

    def close(self) -> None:
        """Disconnect; an operation that is under way may still end."""
        self._closed = True
        for idle in list(self._current().idle.values()):
            _disconnect_all(idle)

    def _current(self) -> _Pool:
        """The pool of this process; a forked child leaves the parent's connections alone."""
        pool = self._pool
        if pool.pid != os.getpid():
            pool = self._pool = _Pool()
        return pool


class _Lease:
    """One connection at a time, and a slot for it, for the length of an operation.

    An exception of a signal handler may cost a slot until its connection is closed.
    """

    def __init__(self, opener: Opener, pool: _Pool) -> None:
        self._opener = opener
        self._pool = pool
        self._slot: Slot | None = None
        self._connection: Wire | None = None
        self._peer: Peer | None = None
        self._is_answered = False

    def exchange(self, step: Exchange) -> list[Any]:
        """The replies, errors included.

        Raises:
            Lost: The replies did not come in time.
        """
        until = time.monotonic() + step.seconds
        connection = self._take(step, until)
        self._is_answered = False
        handled = sys.exception()
        try:
            left = max(until - time.monotonic(), 0.001)
            if connection._sock is None:  # noqa: SLF001 (as below)
                # redis-py waits for the network, then for the server's greeting: half for each
                connection.socket_timeout = connection.socket_connect_timeout = left / 2
                _connect(connection)
                close_at_once(connection._sock)  # noqa: SLF001 (as below)
            connection.send_packed_command(
                connection.pack_commands(step.commands), check_health=False
            )
            replies = [_reply(connection, until) for _ in step.commands]
        except (RedisError, OSError) as error:
            self._drop()
            raise lost_by(error, handled) from cause_of(error)
        except BaseException:
            self._drop()
            raise
        self._is_answered = True
        return replies

    def _take(self, step: Exchange, until: float) -> Wire:
        peer = (step.is_sentinel, *step.address)
        if self._connection is not None and peer == self._peer:
            return self._connection
        self.give_back()
        self._slot = self._pool.slots.take(until)
        if self._slot is None:
            raise Lost("all connections are in use")
        self._peer, self._is_answered = peer, False
        try:
            self._connection = self._pool.idle[peer].pop()
        except IndexError:
            self._connection = _make(self._opener, step)
        return self._connection

    def give_back(self) -> None:
        """Leave the connection to others, unless answers are still to come over it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._is_answered and self._peer is not None:
                self._pool.idle[self._peer].append(connection)
            else:
                connection.disconnect()
        slot, self._slot = self._slot, None
        if slot is not None:
            self._pool.slots.leave(slot)

    def _drop(self) -> None:
        """Close this connection and the idle ones to the same server: it may be gone."""
        self._is_answered = False
        self.give_back()
        if self._peer is not None:
            _disconnect_all(self._pool.idle[self._peer])


def _perform(steps: Steps[T], lease: _Lease) -> T:
    try:
        step = next(steps)
        while True:
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                step = steps.send(None)
                continue
            try:
                replies = lease.exchange(step)
            except Lost as lost:
                step = steps.throw(alone(lost))
            else:
                step = steps.send(replies)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        steps.close()


def _disconnect_all(idle: list[Wire]) -> None:
    with suppress(IndexError):
        while True:
            idle.pop().disconnect()


def _make(opener: Opener, step: Exchange) -> Wire:
    options = opener.options(step)
    context = opener.context(step)
    if "path" in options:
        return UnixDomainSocketConnection(**options)  # type: ignore[abstract, no-untyped-call]
    if context is None:
        return Connection(**options)  # type: ignore[no-untyped-call]
    connection = TlsConnection(**options)
    connection.shared = context
    return connection


def _connect(connection: Wire) -> None:
    try:
        connection.connect()
    except NO_REPLY:
        raise Lost(STRANGE) from None


def _reply(connection: Wire, until: float) -> Any:
    try:
        connection._sock.settimeout(max(until - time.monotonic(), 0.001))  # noqa: SLF001 (every version has it, none has another way)
        return connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error
    except NO_REPLY:
        raise Lost(STRANGE) from None


def close_at_once(sock: Any) -> None:
    """Let the kernel drop unsent data when this socket is closed.

    A command that was given up and repeated must not arrive minutes later.
    """
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
