"""Sliding windows that count attempts: how one is decided. Pure: the store's clock is an argument.

1. A window begins with its first attempt. The window before it counts less and less while the
   current one goes on: of its attempts those count that would lie within the last `window_ms` if
   they had come evenly.
2. An attempt of cost 1 waits for one window at most, any other for two, as long as nobody lowers
   the limit.
3. A window that would begin in the future is of a clock that was ahead, and is forgotten: the
   clock may step back, and nobody waits longer for it.
"""

from collections.abc import Sequence
from typing import Final

from gatepass.sessions.record import Record

_KEY_SIZE: Final = 16
_EXACT: Final = 2**53
"""Redis counts in doubles, which are exact up to here."""


class Bucket(Record, frozen=True, kw_only=True):
    """One limit that an attempt counts in: at most `limit` in `window_ms`.

    Raises:
        ValueError: The key has another size, the cost is above the limit, a number is not
            positive, or limit and window are so large that not every store could count exactly.
    """

    key: bytes
    """Sixteen bytes: an HMAC of the address or name, so that no row tells it."""
    limit: int
    window_ms: int
    cost: int = 1

    def __post_init__(self) -> None:
        if (
            len(self.key) != _KEY_SIZE
            or not 1 <= self.cost <= self.limit
            or not 1 <= self.window_ms <= _EXACT // self.limit
        ):
            message = "a bucket's key, limit, window or cost is out of range"
            raise ValueError(message)


class Tally(Record, frozen=True, kw_only=True):
    """The counts of a bucket that a store keeps: of the current window and of the one before."""

    start_ms: int
    previous: int
    current: int


def slide(tally: Tally | None, bucket: Bucket, now_ms: int) -> Tally:
    """The tally at this moment; a new one when none was kept, or all of it is over."""
    if tally is not None:
        elapsed_ms = now_ms - tally.start_ms
        if 0 <= elapsed_ms < bucket.window_ms:
            return tally
        if bucket.window_ms <= elapsed_ms < 2 * bucket.window_ms:
            start_ms = tally.start_ms + bucket.window_ms
            return Tally(start_ms=start_ms, previous=tally.current, current=0)
    return Tally(start_ms=now_ms, previous=0, current=0)


def take(
    tallies: Sequence[Tally | None], buckets: Sequence[Bucket], now_ms: int
) -> list[Tally] | int:
    """The new tallies of an attempt that counts in all buckets; or how many ms it has to wait.

    Then it counts in none, and the longest wait is returned, at least 1.
    """
    slid = [slide(*both, now_ms) for both in zip(tallies, buckets, strict=True)]
    wait_ms = max((_wait_ms(*both, now_ms) for both in zip(slid, buckets, strict=True)), default=0)
    if wait_ms > 0:
        return wait_ms
    return [
        Tally(
            start_ms=tally.start_ms,
            previous=tally.previous,
            current=tally.current + bucket.cost,
        )
        for tally, bucket in zip(slid, buckets, strict=True)
    ]


def give_back(tally: Tally, bucket: Bucket, now_ms: int) -> Tally:
    """The tally without the cost of an attempt, which may have been counted a window ago."""
    slid = slide(tally, bucket, now_ms)
    taken = min(bucket.cost, slid.current)
    return Tally(
        start_ms=slid.start_ms,
        previous=max(slid.previous - (bucket.cost - taken), 0),
        current=slid.current - taken,
    )


def ends_ms(tally: Tally, bucket: Bucket) -> int:
    """When the tally counts nothing any more, so that it may be removed."""
    return tally.start_ms + 2 * bucket.window_ms


def _wait_ms(tally: Tally, bucket: Bucket, now_ms: int) -> int:
    """How long the attempt waits if nobody else attempts anything; 0 or less: it passes."""
    most = bucket.limit - bucket.cost
    if tally.current <= most:
        passes_ms = tally.start_ms + _faded_ms(tally.previous, most - tally.current, bucket)
    else:
        next_ms = tally.start_ms + bucket.window_ms
        passes_ms = next_ms + max(_faded_ms(tally.current, most, bucket), 0)
    return passes_ms - now_ms


def _faded_ms(previous: int, most: int, bucket: Bucket) -> int:
    """After how much of a window no more than `most` of the window before it count.

    They are the whole part of `previous * (window_ms - 1 - elapsed) / window_ms`.
    """
    if not previous:
        return 0
    return bucket.window_ms - 1 - ((most + 1) * bucket.window_ms - 1) // previous
