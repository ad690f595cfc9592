"""Waiting for a server with a deadline: in a thread, or on an event loop."""

import asyncio
import time
from select import POLLIN, POLLOUT, poll

from gatepass.stores.deadline import WAIT_S
from gatepass.stores.sql.postgres.failures import Late
from gatepass.stores.sql.postgres.wire import Exchange, Row


def deadline() -> float:
    """When an operation that begins now must stop waiting."""
    return time.monotonic() + WAIT_S


def left(until: float) -> float:
    """The seconds that are left, never less than none."""
    return max(until - time.monotonic(), 0)


def has_news(socket: int) -> bool:
    """Whether something waits to be read: on an idle connection, that it was closed."""
    poller = poll()
    poller.register(socket, POLLIN)
    return bool(poller.poll(0))


def wait(exchange: Exchange, socket: int, until: float) -> list[Row]:
    """The rows of an exchange.

    Raises:
        Late: The rows did not come in time; the connection is in the middle of an answer.
    """
    poller = poll()
    try:
        events = next(exchange)
        while True:
            poller.register(socket, events)
            ready = poller.poll(left(until) * 1000)
            if not ready:
                raise Late
            events = exchange.send(ready[0][1])
    except StopIteration as stop:
        rows: list[Row] = stop.value
        return rows


async def wait_async(exchange: Exchange, socket: int, until: float) -> list[Row]:
    """`wait` for `await`."""
    loop = asyncio.get_running_loop()
    try:
        events = next(exchange)
        while True:
            events = exchange.send(await _ready(loop, socket, events, until))
    except StopIteration as stop:
        rows: list[Row] = stop.value
        return rows


async def _ready(loop: asyncio.AbstractEventLoop, socket: int, events: int, until: float) -> int:
    """The first of the events to come."""
    came: asyncio.Future[int] = loop.create_future()
    timer = loop.call_later(left(until), _tell, came, 0)
    loop.add_reader(socket, _tell, came, POLLIN)
    if events & POLLOUT:
        loop.add_writer(socket, _tell, came, POLLOUT)
    try:
        ready = await came
    finally:
        timer.cancel()
        loop.remove_reader(socket)
        if events & POLLOUT:
            loop.remove_writer(socket)
    if not ready:
        raise Late
    return ready


def _tell(came: asyncio.Future[int], event: int) -> None:
    if not came.done():
        came.set_result(event)
