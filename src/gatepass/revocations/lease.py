"""The lease: until when a replica may answer from its copy of the revocation log.

1. A read counts from the moment it was sent. Its answer holds everything that was acknowledged
   before that moment, and perhaps nothing that came after, however late the answer arrives.
2. Only a complete read renews the lease: one that came to the end of the log.
3. The lease ends `max_staleness` seconds after that moment. So every revocation counts, at the
   latest, `max_staleness` seconds after its acknowledgement.
4. The clock is one that nobody sets and that runs during suspend (`CLOCK_BOOTTIME` where there
   is one). A process that slept wakes up with an expired lease.
5. Each partition has its own lease, so that a dead shard of a Redis Cluster makes only its own
   sessions stale. `until` is the earliest end: before it, the copy answers for every id.
6. `void` ends the lease of every read that was sent earlier. A replica calls it when this
   process has revoked sessions and the store does not say which.
7. A check loads the end of the lease first, looks the ids up second, and reads the clock last.
   So a read that ends during the check does not vouch for an earlier look-up, and a process
   that sleeps during the check does not answer from what it knew before.
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
    """`steady_now` in milliseconds, the unit of a denylist."""
    return int(steady_now() * 1000)


class Lease:
    """The leases of one copy, one for each partition."""

    def __init__(self, partitions: int, max_staleness: float) -> None:
        self._max_staleness = max_staleness
        self._sent = [-inf] * partitions
        self._begun = steady_now()
        self._void_before = -inf
        self.until = -inf
        """The end of the lease that ends first."""

    def renew(self, partition: int, sent: float) -> None:
        """Count a complete read of this partition from the moment it was sent."""
        self._sent[partition] = max(sent, self._sent[partition])
        self._find_until()

    def void(self, at: float) -> None:
        """Count only reads that are sent from this moment on."""
        self._void_before = max(at, self._void_before)
        self._find_until()

    def lapse(self) -> None:
        """End every lease."""
        self._sent = [-inf] * len(self._sent)
        self._begun = steady_now()
        self._find_until()

    def until_of(self, partition: int) -> float:
        """The end of this partition's lease."""
        sent = self._sent[partition]
        return sent + self._max_staleness if sent >= self._void_before else -inf

    def covers(self, partition: int, at: float) -> bool:
        """Whether this partition's lease holds at this moment."""
        return at < self.until_of(partition)

    def age(self, partition: int, at: float) -> float:
        """Seconds since the last complete read was sent; infinite before the first."""
        return at - self._sent[partition]

    def stale_for(self, partition: int, at: float) -> float:
        """Seconds since this partition's lease ended; 0 while it holds."""
        if self.covers(partition, at):
            return 0.0
        return max(at - max(self._sent[partition] + self._max_staleness, self._begun), 0.0)

    def _find_until(self) -> None:
        oldest = min(self._sent)
        self.until = oldest + self._max_staleness if oldest >= self._void_before else -inf
