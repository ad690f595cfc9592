"""`AsyncConnections`: the twin of `Connections`; each event loop has connections of its own."""

import asyncio
import os
import sys
from collections import defaultdict, deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import RedisError, ResponseError

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.connections import Peer, close_at_once
from gatepass.stores.redis.leftovers import let_go
from gatepass.stores.redis.losses import cause_of, lost_by
from gatepass.stores.redis.target import Target
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

T = TypeVar("T")

_GOODBYE_S: Final = 0.2


class _Pool:
    """The connections of one event loop in one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.free = asyncio.Semaphore(MAX_CONNECTIONS)
        self.idle: defaultdict[Peer, deque[AbstractConnection]] = defaultdict(deque)
        self.watch: AsyncGenerator[None, None] | None = None
        self.is_over = False

    async def disconnect(self) -> None:
        """Close idle connections; those in use are closed when they come back."""
        self.is_over = True
        for idle in list(self.idle.values()):
            while idle:
                await _disconnect(idle.pop())

    def abandon(self) -> None:
        """Let go of connections whose loop is closed, or which belong to the parent process."""
        is_foreign = self.pid != os.getpid()
        for idle in self.idle.values():
            while idle:
                let_go(idle.pop(), is_foreign=is_foreign)


class AsyncConnections:
    """Opens, keeps and gives back connections."""

    def __init__(self, target: Target) -> None:
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()
        self._opener = Opener(target)
        self._closed = False

    def __del__(self) -> None:
        for loop, pool in list(self._pools.items()):
            if loop.is_closed():
                pool.abandon()

    async def run(self, steps: Steps[T]) -> T:
        """See `Connections.run`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        lease = _Lease(self._opener, await self._current())
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    replies = await lease.exchange(step)
                except Lost as lost:
                    step = steps.throw(alone(lost))
                else:
                    step = steps.send(replies)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()
            await lease.give_back()

    async def close(self) -> None:
        """See `Connections.close`; connections of other loops go with their loops."""
        self._closed = True
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None and pool.watch is not None:
            await pool.watch.aclose()

    async def _current(self) -> _Pool:
        """The pool of the running loop, in this process."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None or pool.pid != os.getpid() or pool.is_over:
            for other, old in list(self._pools.items()):
                if other.is_closed() or old.pid != os.getpid():
                    del self._pools[other]
                    old.abandon()
            pool = self._pools[loop] = _Pool()
            pool.watch = _until_the_loop_ends(pool)
            await anext(pool.watch)
        return pool


async def _until_the_loop_ends(pool: _Pool) -> AsyncGenerator[None, None]:
    """Disconnects when it is closed, which `asyncio.run` does to all async generators."""
    try:
        yield
    finally:
        await pool.disconnect()
        await asyncio.sleep(0)  # transports close in the next turn


class _Lease:
    """One connection at a time for the length of an operation."""

    def __init__(self, opener: Opener, pool: _Pool) -> None:
        self._opener = opener
        self._pool = pool
        self._peer: Peer | None = None
        self._connection: AbstractConnection | None = None

    async def exchange(self, step: Exchange) -> list[Any]:
        """The replies, errors included.

        Raises:
            Lost: The replies did not come in time.
        """
        handled = sys.exception()
        try:
            async with asyncio.timeout(step.seconds):
                connection = await self._take(step)
                if not connection.is_connected:
                    await _connect(connection)
                    if connection._writer is not None:  # noqa: SLF001 (as in `leftovers`)
                        close_at_once(connection._writer.get_extra_info("socket"))  # noqa: SLF001
                await connection.send_packed_command(
                    connection.pack_commands(step.commands), check_health=False
                )
                return [await _reply(connection) for _ in step.commands]
        except (RedisError, OSError) as error:
            await self._drop()
            raise lost_by(error, handled) from cause_of(error)
        except BaseException:
            await self._drop()
            raise

    async def _take(self, step: Exchange) -> AbstractConnection:
        peer = (step.is_sentinel, *step.address)
        if self._connection is not None and peer == self._peer:
            return self._connection
        await self.give_back()
        await self._pool.free.acquire()
        self._peer = peer
        try:
            self._connection = self._pool.idle[peer].pop()
        except IndexError:
            self._connection = _make(self._opener, step)
        return self._connection

    async def give_back(self) -> None:
        """Leave the connection to others."""
        if self._connection is not None and self._peer is not None:
            connection = self._release(self._connection)
            if self._pool.is_over:
                await _disconnect(connection)
            else:
                self._pool.idle[self._peer].append(connection)

    async def _drop(self) -> None:
        """See `Connections`: close this connection and the idle ones to the same server."""
        if self._connection is not None and self._peer is not None:
            idle = self._pool.idle[self._peer]
            idle.append(self._release(self._connection))
            while idle:
                with suppress(RedisError, OSError):
                    await idle.pop().disconnect(nowait=True)

    def _release(self, connection: AbstractConnection) -> AbstractConnection:
        self._connection = None
        self._pool.free.release()
        return connection


def _make(opener: Opener, step: Exchange) -> AbstractConnection:
    options = opener.options(step) | {
        "socket_timeout": None,  # an exchange is limited as a whole
        "socket_connect_timeout": None,
    }
    context = opener.context(step)
    if "path" in options:
        return UnixDomainSocketConnection(**options)
    if context is None:
        return Connection(**options)
    connection = SSLConnection(**options)
    connection.ssl_context = context
    return connection


async def _connect(connection: AbstractConnection) -> None:
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
    except NO_REPLY:
        raise Lost(STRANGE) from None


async def _reply(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error
    except NO_REPLY:
        raise Lost(STRANGE) from None


async def _disconnect(connection: AbstractConnection) -> None:
    with suppress(RedisError, OSError):
        connection.socket_connect_timeout = _GOODBYE_S
        await connection.disconnect()
