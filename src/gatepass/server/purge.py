"""Removes rows that expired long ago, and old events, every hour, unless the clock was set."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog

from gatepass._clock import wall_clock
from gatepass.manager import AsyncTokenManager
from gatepass.server.events import EventTable

_FIRST_S: Final = 300.0
"""A machine that has just started may have a wrong clock."""
_EVERY_S: Final = 3_600.0
_DRIFT_S: Final = 5.0
"""Seconds that the wall clock may move against the monotonic one, from one look to the next."""
_log = structlog.stdlib.get_logger(__name__)


class SteadyClock:
    """Tells whether the wall clock was set since the last look; a suspended machine counts too."""

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()

    def was_set(self) -> bool:
        """Whether the wall clock moved by itself since the last look."""
        before, self._offset = self._offset, self._wall() - self._steady()
        return abs(self._offset - before) > _DRIFT_S


async def purge_for_ever(
    manager: AsyncTokenManager,
    events: EventTable,
    *,
    wall: Callable[[], float] = wall_clock,
    steady: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Purge every hour, but not at the start, nor when the clock was set since the last look.

    An outage only delays it.
    """
    clock = SteadyClock(wall, steady)
    await sleep(_FIRST_S)
    while True:
        if clock.was_set():
            _log.warning("nothing purged: the clock was set")
        else:
            await _purge("purged", manager.purge)
            await _purge("purged events", partial(asyncio.to_thread, events.purge))
        await sleep(_EVERY_S)


async def _purge(what: str, purge: Callable[[], Awaitable[int]]) -> None:
    try:
        _log.info(what, rows=await purge())
    except Exception as error:  # noqa: BLE001 - a purge that ends never comes back
        _log.warning("purge failed", cause=type(error).__name__)
