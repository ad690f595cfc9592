"""A set of millions of ids in a few bytes each: 64-bit fingerprints in open addressing; pure.

Ids go into a thousand and more small tables by the first bits of their fingerprint. One of them at
a time is swept or made anew, so that growing needs neither much memory nor much time at once.
With 10,000,000 ids held, one in two trillion others is taken for one of them.
"""

import os
import sys
from array import array
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

_TABLES_BITS: Final = 10
TABLES: Final = 1 << _TABLES_BITS
_LAST_TABLE: Final = TABLES - 1
_SMALLEST: Final = 16
_ALL_BITS: Final = 0xFFFF_FFFF_FFFF_FFFF
TICKS: Final = 1 << 16
"""Times are counted modulo this, and compared as if none lay more than half of it apart."""
_HALF: Final = TICKS // 2


def choose_hash() -> Callable[[str], int]:
    """A hash to 64 bits and a sign with a secret key, for which nobody can choose collisions.

    Python's own is SipHash with a random key unless somebody has fixed the key.
    """
    if (
        sys.hash_info.algorithm.startswith("siphash")
        and sys.hash_info.hash_bits == 64  # noqa: PLR2004 (bits)
        and os.environ.get("PYTHONHASHSEED", "random") == "random"
    ):
        return hash
    key = os.urandom(16)

    def keyed_hash(identifier: str) -> int:
        data = identifier.encode(errors="surrogatepass")
        return int.from_bytes(blake2b(data, digest_size=8, key=key).digest())

    return keyed_hash


class Fingerprints:
    """Which fingerprints were added, and at which tick; one thread at a time may change it.

    Others may look meanwhile: a table is replaced only by one that holds as much.
    """

    def __init__(self) -> None:
        self._held = [array("Q", bytes(8 * _SMALLEST)) for _ in range(TABLES)]
        self._ticks = [array("H", bytes(2 * _SMALLEST)) for _ in range(TABLES)]
        self._counts = [0] * TABLES
        self._total = 0
        self._next_swept = 0

    def __len__(self) -> int:
        return self._total

    def has(self, fingerprint: int) -> bool:
        """Whether it was added; any whole number is cut to 64 bits."""
        fingerprint = fingerprint & _ALL_BITS or 1
        held = self._held[fingerprint & _LAST_TABLE]
        last = len(held) - 1
        place = (fingerprint >> _TABLES_BITS) & last
        while found := held[place]:
            if found == fingerprint:
                return True
            place = (place + 1) & last
        return False

    def add(self, fingerprint: int, tick: int) -> None:
        """Hold it; one that is held already counts from the later tick."""
        fingerprint = fingerprint & _ALL_BITS or 1
        number = fingerprint & _LAST_TABLE
        held, ticks = self._held[number], self._ticks[number]
        if 3 * self._counts[number] >= 2 * len(held):
            held, ticks = self._rebuild(number, 2 * len(held))
        place = _place_of(held, fingerprint)
        if not held[place]:
            ticks[place] = tick % TICKS
            held[place] = fingerprint  # last: whoever looks finds nothing half done
            self._counts[number] += 1
            self._total += 1
        elif _ticks_between(ticks[place], tick) > 0:
            ticks[place] = tick % TICKS

    def sweep(self, count: int, oldest_tick: int) -> None:
        """Go through the next few tables and drop what was added before a tick."""
        for _ in range(min(count, TABLES)):
            number = self._next_swept
            self._next_swept = (number + 1) & _LAST_TABLE
            held, ticks = self._held[number], self._ticks[number]
            kept = [
                (fingerprint, tick)
                for fingerprint, tick in zip(held, ticks, strict=True)
                if fingerprint and _ticks_between(oldest_tick, tick) >= 0
            ]
            if len(kept) < self._counts[number]:
                self._replace(number, kept)

    def rescale(self, now_tick: int, by: int) -> None:
        """Count in ticks that are `by` times as long from now on."""
        rescaled = []
        for ticks in self._ticks:
            spans = (_ticks_between(tick, now_tick) for tick in ticks)
            rescaled.append(array("H", [(now_tick - span) // by % TICKS for span in spans]))
        self._ticks = rescaled  # all or none

    def _replace(self, number: int, kept: list[tuple[int, int]]) -> None:
        """Let a table hold just these; whoever looks meanwhile sees the old one."""
        size = _SMALLEST
        while 3 * len(kept) >= 2 * size:
            size *= 2
        self._put(number, size, kept)
        self._total += len(kept) - self._counts[number]
        self._counts[number] = len(kept)  # last: a table that holds more would fill up

    def _rebuild(self, number: int, size: int) -> tuple["array[int]", "array[int]"]:
        pairs = zip(self._held[number], self._ticks[number], strict=True)
        return self._put(number, size, [pair for pair in pairs if pair[0]])

    def _put(
        self, number: int, size: int, kept: list[tuple[int, int]]
    ) -> tuple["array[int]", "array[int]"]:
        held, ticks = array("Q", bytes(8 * size)), array("H", bytes(2 * size))
        for fingerprint, tick in kept:
            place = _place_of(held, fingerprint)
            held[place], ticks[place] = fingerprint, tick
        self._held[number], self._ticks[number] = held, ticks
        return held, ticks


def _place_of(held: "array[int]", fingerprint: int) -> int:
    """Where it is, or belongs."""
    last = len(held) - 1
    place = (fingerprint >> _TABLES_BITS) & last
    while (found := held[place]) and found != fingerprint:
        place = (place + 1) & last
    return place


def _ticks_between(earlier: int, later: int) -> int:
    """How many ticks from one to the other, negative when it is the other way round."""
    return (later - earlier + _HALF) % TICKS - _HALF
