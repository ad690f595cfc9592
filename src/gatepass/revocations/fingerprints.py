"""A set of millions of ids in a few bytes each: 64-bit fingerprints in open addressing. Pure.

1. Ids lie in 1,024 small tables, by the last bits of their fingerprint. One table at a time is
   swept or rebuilt, so that neither takes much memory or time at once.
2. A look-up takes no lock. A fingerprint is written after its time, and a table is replaced only
   by a complete one, so that a look-up at any moment finds every id that was added before.
3. With 10,000,000 ids held, one in two trillion other ids is taken for one of them.
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


def choose_hash() -> Callable[[str], int]:
    """A hash to 64 bits with a secret key, for which nobody can choose collisions.

    Python's own is SipHash with a random key, unless `PYTHONHASHSEED` fixes the key.
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
    """Fingerprints, each with a time in seconds; one thread at a time may change it.

    Other threads may look up meanwhile (rule 2).
    """

    def __init__(self) -> None:
        self._held = [array("Q", bytes(8 * _SMALLEST)) for _ in range(TABLES)]
        self._times = [array("i", bytes(4 * _SMALLEST)) for _ in range(TABLES)]
        self._counts = [0] * TABLES
        self._total = 0
        self._next_swept = 0

    def __len__(self) -> int:
        return self._total

    def has(self, fingerprint: int) -> bool:
        """Whether this was added; any whole number is cut to 64 bits."""
        fingerprint = fingerprint & _ALL_BITS or 1
        held = self._held[fingerprint & _LAST_TABLE]
        last = len(held) - 1
        index = (fingerprint >> _TABLES_BITS) & last
        while found := held[index]:
            if found == fingerprint:
                return True
            index = (index + 1) & last
        return False

    def add(self, fingerprint: int, at_s: int) -> None:
        """Hold this; one that is held already counts from the later time."""
        fingerprint = fingerprint & _ALL_BITS or 1
        number = fingerprint & _LAST_TABLE
        held, times = self._held[number], self._times[number]
        if 3 * self._counts[number] >= 2 * len(held):
            held, times = self._put(number, 2 * len(held), self._pairs(number))
        index = _index_of(held, fingerprint)
        if not held[index]:
            times[index] = at_s
            held[index] = fingerprint  # last (rule 2)
            self._counts[number] += 1
            self._total += 1
        elif times[index] < at_s:
            times[index] = at_s

    def sweep(self, count: int, before_s: int) -> None:
        """Go through the next few tables and drop entries dated before this second."""
        for _ in range(min(count, TABLES)):
            number = self._next_swept
            self._next_swept = (number + 1) & _LAST_TABLE
            kept = [pair for pair in self._pairs(number) if pair[1] >= before_s]
            if len(kept) < self._counts[number]:
                size = _SMALLEST
                while 3 * len(kept) >= 2 * size:
                    size *= 2
                self._put(number, size, kept)
                self._total += len(kept) - self._counts[number]
                self._counts[number] = len(kept)  # last: a table that holds more would fill up

    def _pairs(self, number: int) -> list[tuple[int, int]]:
        """The fingerprints of a table with their times."""
        pairs = zip(self._held[number], self._times[number], strict=True)
        return [pair for pair in pairs if pair[0]]

    def _put(
        self, number: int, size: int, kept: list[tuple[int, int]]
    ) -> tuple["array[int]", "array[int]"]:
        """Replace a table by a new one of this size that holds just these."""
        held, times = array("Q", bytes(8 * size)), array("i", bytes(4 * size))
        for fingerprint, at_s in kept:
            index = _index_of(held, fingerprint)
            held[index], times[index] = fingerprint, at_s
        self._held[number], self._times[number] = held, times
        return held, times


def _index_of(held: "array[int]", fingerprint: int) -> int:
    """The index at which it is, or at which it belongs."""
    last = len(held) - 1
    index = (fingerprint >> _TABLES_BITS) & last
    while (found := held[index]) and found != fingerprint:
        index = (index + 1) & last
    return index
