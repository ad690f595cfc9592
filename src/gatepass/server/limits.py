"""How often one address or account may log in, kept in this process's memory.

A steady clock counts: a wall clock that is set back would lock everybody out for that long.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from gatepass.server.addresses import block_of

FAILURES_PER_MINUTE: Final = 10
LOG_INS_PER_MINUTE: Final = 60
AT_ONCE: Final = 4
"""Logins of one address that are under way together: a fair share of the slots for argon2."""
_SOON: Final = 1.0
_MINUTE: Final = "/minute"
_WINDOW_S: Final = 60.0


def rate(per_minute: int, workers: int = 1) -> str:
    """A rate such as `10/minute`, for one of several processes that share it."""
    return f"{max(1, per_minute // workers)}{_MINUTE}"


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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures, self._log_ins = Window(failures, clock), Window(log_ins, clock)
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
    """One moving window per key; keys whose minute is over are forgotten."""

    def __init__(
        self,
        written: str = rate(LOG_INS_PER_MINUTE),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = int(written.removesuffix(_MINUTE))
        self._clock = clock
        self._counted: dict[str, deque[float]] = {}
        """When each key counted, oldest first; the key that counted last is the last."""

    def wait(self, key: str, cost: int = 1) -> float | None:
        """The seconds until the key may count so many more; `None`: it may now."""
        now = self._clock()
        counted = self._counted.get(key, deque())
        while counted and counted[0] <= now - _WINDOW_S:
            counted.popleft()
        if not counted:
            self._counted.pop(key, None)
        too_many = len(counted) + cost - self._most
        if too_many <= 0:
            return None
        last = counted[min(too_many, len(counted)) - 1] if counted else now - _WINDOW_S
        return max(_SOON, last + _WINDOW_S - now)

    def count(self, key: str) -> None:
        """Count one more."""
        now = self._clock()
        counted = self._counted.pop(key, None) or deque(maxlen=self._most)
        counted.append(now)
        self._counted[key] = counted
        while next(iter(self._counted.values()))[-1] <= now - _WINDOW_S:
            del self._counted[next(iter(self._counted))]
