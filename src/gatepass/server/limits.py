"""How often one address may fail to log in, kept in this process's memory."""

import time
from collections import Counter
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gatepass.server.places import place_of

FAILURES_PER_MINUTE: Final = 10


class LoginLimit:
    """A moving window of failed log-ins per address; an IPv6 network (/64) counts as one.

    Log-ins that are under way count until they end, so that no burst gets more guesses.
    """

    def __init__(self, rate: str = f"{FAILURES_PER_MINUTE}/minute") -> None:
        self._rate: RateLimitItem = parse(rate)
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._under_way: Counter[str] = Counter()

    async def begin(self, key: str) -> float | None:
        """Begin a log-in of this address; or the seconds until it may try again."""
        place = place_of(key)
        if self._window.test(self._rate, place, cost=self._under_way[place] + 1):
            self._under_way[place] += 1
            return None
        reset_time = self._window.get_window_stats(self._rate, place).reset_time
        return max(1.0, reset_time - time.time())

    async def end(self, key: str, *, failed: bool) -> None:
        """End a log-in that was begun, and count it if it failed."""
        place = place_of(key)
        if failed:
            self._window.hit(self._rate, place)
        self._under_way[place] -= 1
        if not self._under_way[place]:
            del self._under_way[place]
