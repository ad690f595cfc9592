"""How often one address or account may log in, kept in this process's memory."""

import time
from collections import Counter
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gatepass.server.addresses import block_of

FAILURES_PER_MINUTE: Final = 10
LOG_INS_PER_MINUTE: Final = 60
AT_ONCE: Final = 4
"""Logins of one address that are under way together: a fair share of the slots for argon2."""
_SOON: Final = 1.0


def rate(per_minute: int, workers: int = 1) -> str:
    """A rate as `limits` reads it, for one of several processes that share it."""
    return f"{max(1, per_minute // workers)}/minute"


class LoginLimit:
    """Moving windows of failed and of all logins per address; an IPv6 network (/64) is one.

    Logins that are under way count as failed until they end, so that no burst gets more guesses.
    """

    def __init__(
        self,
        failures: str = rate(FAILURES_PER_MINUTE),
        log_ins: str = rate(LOG_INS_PER_MINUTE),
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        self._failures, self._log_ins = Window(failures), Window(log_ins)
        self._at_once = at_once
        self._under_way: Counter[str] = Counter()

    async def begin(self, key: str) -> float | None:
        """Begin a login of this address; or the seconds until it may try again."""
        block = block_of(key)
        under_way = self._under_way[block]
        wait = self._failures.wait(block, under_way + 1) or self._log_ins.wait(block)
        if wait is None and under_way >= self._at_once:
            wait = _SOON
        if wait is None:
            self._log_ins.count(block)
            self._under_way[block] += 1
        elif not under_way:
            del self._under_way[block]
        return wait

    async def end(self, key: str, *, failed: bool) -> None:
        """End a login that was begun, and count it if it failed."""
        block = block_of(key)
        if failed:
            self._failures.count(block)
        self._under_way[block] -= 1
        if not self._under_way[block]:
            del self._under_way[block]


class Window:
    """One moving window per key."""

    def __init__(self, written: str = rate(LOG_INS_PER_MINUTE)) -> None:
        self._rate: RateLimitItem = parse(written)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wait(self, key: str, cost: int = 1) -> float | None:
        """The seconds until the key may count so many more; `None`: it may now."""
        if self._limiter.test(self._rate, key, cost=cost):
            return None
        reset_time = self._limiter.get_window_stats(self._rate, key).reset_time
        return max(_SOON, reset_time - time.time())

    def count(self, key: str) -> None:
        """Count one more."""
        self._limiter.hit(self._rate, key)
