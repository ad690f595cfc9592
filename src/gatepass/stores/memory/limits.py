"""The limits of a memory store, with the lock and the clock that its sessions share."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from gatepass.errors import StoreUnavailable
from gatepass.sessions import limits
from gatepass.sessions.limits import Bucket, Tally

_FIRST_PURGE: Final = 1_024


class MemoryLimits:
    """Attempts of one process; tallies that are over are removed as their number grows."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = False
        self._tallies: dict[bytes, tuple[Tally, int]] = {}
        """By key, with the moment when each is over."""
        self._purge_tallies_at = _FIRST_PURGE

    def take(self, buckets: Sequence[Bucket]) -> int:
        """Count an attempt in all buckets, or in none; 0, or the milliseconds that it waits."""
        with self._lock:
            now_ms = self._now_ms()
            found = limits.take([self._find(bucket) for bucket in buckets], buckets, now_ms)
            if isinstance(found, int):
                return found
            for bucket, tally in zip(buckets, found, strict=True):
                self._tallies[bucket.key] = tally, limits.ends_ms(tally, bucket)
            if len(self._tallies) >= self._purge_tallies_at:
                self._purge_tallies(now_ms)
                self._purge_tallies_at = max(_FIRST_PURGE, 2 * len(self._tallies))
            return 0

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        """Take an attempt back from each bucket, never below 0."""
        with self._lock:
            self._give_back(buckets, self._now_ms())

    def _give_back(self, buckets: Sequence[Bucket], now_ms: int) -> None:
        for bucket in buckets:
            tally = self._find(bucket)
            if tally is not None:
                tally = limits.give_back(tally, bucket, now_ms)
                self._tallies[bucket.key] = tally, limits.ends_ms(tally, bucket)

    def _find(self, bucket: Bucket) -> Tally | None:
        found = self._tallies.get(bucket.key)
        return None if found is None else found[0]

    def _purge_tallies(self, now_ms: int) -> int:
        over = [key for key, (_, ends_ms) in self._tallies.items() if ends_ms <= now_ms]
        for key in over:
            del self._tallies[key]
        return len(over)

    def _now_ms(self) -> int:
        """The store's clock, read once in every operation; raises in a closed store."""
        if self._closed:
            raise StoreUnavailable
        return int(self._clock() * 1000)
