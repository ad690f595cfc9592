"""For how long a copy of the revocation log may be believed; pure but for its clock.

A complete read tells all that was acknowledged before it was sent off. So the copy is good for
`max_staleness` from that moment on, on a clock that nobody sets and that goes on in suspend
(`CLOCK_BOOTTIME`, where there is one): a verifier that slept wakes up with nothing to go by.
"""

import time
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Final

steady_now: Final[Callable[[], float]] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)
"""Seconds; the difference of two moments is the time between them, asleep or awake."""


def steady_ms() -> int:
    """`steady_now` in milliseconds, as a denylist counts."""
    return int(steady_now() * 1000)


class Lease:
    """The leases of one copy: one for each lane, i.e. part of the log that is read by itself."""

    def __init__(self, lanes: int, max_staleness: float) -> None:
        self._max_staleness = max_staleness
        self._sent = [-inf] * lanes
        self._begun = steady_now()
        self._void_before = -inf
        self.until = -inf
        """When the first lane's lease ends; before it, all may be believed."""

    def renew(self, lane: int, sent: float) -> None:
        """A complete read of this lane has come back that was sent off at this moment."""
        self._sent[lane] = max(sent, self._sent[lane])
        self._find_until()

    def void(self, at: float) -> None:
        """Believe only reads that are sent off from this moment on."""
        self._void_before = max(at, self._void_before)
        self._find_until()

    def lapse(self) -> None:
        """Believe nothing that was read so far."""
        self._sent = [-inf] * len(self._sent)
        self._begun = steady_now()
        self._find_until()

    def until_of(self, lane: int) -> float:
        """When this lane's lease ends."""
        sent = self._sent[lane]
        return sent + self._max_staleness if sent >= self._void_before else -inf

    def covers(self, lane: int, at: float) -> bool:
        """Whether this lane may be believed at this moment."""
        return at < self.until_of(lane)

    def age(self, lane: int, at: float) -> float:
        """Seconds since this lane was known completely; infinite when it never was."""
        return at - self._sent[lane]

    def stale_for(self, lane: int, at: float) -> float:
        """Seconds since this lane could be believed; 0 while it can be."""
        if self.covers(lane, at):
            return 0.0
        return max(at - max(self._sent[lane] + self._max_staleness, self._begun), 0.0)

    def _find_until(self) -> None:
        oldest = min(self._sent)
        self.until = oldest + self._max_staleness if oldest >= self._void_before else -inf
