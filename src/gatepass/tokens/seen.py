"""Access tokens that were verified a moment ago, so that the next request need not do it again.

1. Only a token that passed every check of `ClaimsVerifier.open` is put here. It is found by its
   last characters, which are of its signature, and each hit compares the whole text: a hash or a
   part of the text alone would let another token pass for it.
2. An entry holds for the one `KeySet` object that verified it. Each hit asks the source for its
   keys of this moment (a `KeySet` is its own source) and compares by identity: a key that left, a
   file that became unreadable and a JWKS that is too old show as they do without this memory.
3. Each hit compares `exp` and `nbf` with the clock. Issuer, audience, type and the allowed values
   cannot change for a verifier. Revocation is looked up after the hit, as it is without.
4. A hit that fails any of this is no answer: the token is verified from the start, so that the
   error is the one of a verifier without memory.
5. Claims are shared and never changed: `AccessClaims` hands out copies of lists and objects.
6. A token is put here when it is verified for the second time. Until then only the hash of its
   last characters is known (`once`), so that a flood of tokens that come once evicts nobody.
7. Two generations share the bytes. An entry found in the older one moves to the younger one. When
   the younger one is full it becomes the older one, and the tokens that nobody sent meanwhile go.

So an answer from here is the answer of a plain verifier at that moment.
"""

from sys import getsizeof
from threading import Lock
from typing import Any, Final

from gatepass.jose import KeySet
from gatepass.tokens.claims import AccessClaims, dict_of

Entry = tuple[str, KeySet, float, float, AccessClaims]
"""The text, the keys that verified it, `exp` plus and `nbf` minus the leeway, and the claims."""

ENDING: Final = -32
"""The slice of the last characters; a hash of them takes a tenth of the time of a whole text."""

DEFAULT_BYTES: Final = 8 * 2**20

_ENTRY: Final = 848
"""Bytes of an entry in both generations and of the claims' own dictionary, at most."""
_CLAIM: Final = 216
"""Bytes of a claim besides its characters, at most."""
_CHARACTER: Final = 4
_BYTES_PER_DOOR: Final = 1024
"""At least: the number of marks is a power of two."""
_DOOR: Final = 48
"""Bytes of a hash in a list."""
_CONTAINERS: Final = (dict, list)


class SeenTokens:
    """Verified tokens by their endings, up to a number of bytes that counts their claims."""

    __slots__ = ("_half", "_lock", "_weight", "mask", "old", "once", "young")

    def __init__(self, size: int) -> None:
        doors = 1 << max(0, (size // _BYTES_PER_DOOR).bit_length() - 1)
        self.mask = doors - 1
        self.once = [0] * doors
        """Hashes of tokens that were verified once, each at the index of its lowest bits."""
        self._half = (size - _DOOR * doors) // 2
        self._weight = 0
        self._lock = Lock()
        self.young: dict[str, Entry] = {}
        """The entries of tokens that were seen lately, by their endings."""
        self.old: dict[str, Entry] = {}

    def find_old(self, ending: str) -> Entry | None:
        """The entry of a token that was seen some time ago; it is young again."""
        entry = self.old.pop(ending, None)
        if entry is not None:
            self.keep(entry)
        return entry

    def keep(self, entry: Entry) -> None:
        """Put an entry among the young ones.

        A caller that meets another one here leaves at once: remembering can wait. So no thread
        waits for another, and a child that was forked in that moment only remembers nothing.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            weight = _weight(entry[0], dict_of(entry[4]))
            self._weight += weight
            if self._weight > self._half:
                self.old.clear()
                self.old.update(self.young)
                self.young.clear()
                self._weight = weight
            if weight <= self._half:
                self.young[entry[0][ENDING:]] = entry
        finally:
            self._lock.release()

    def forget(self, token: str) -> None:
        """Drop a token that was rejected."""
        ending = token[ENDING:]
        self.young.pop(ending, None)
        self.old.pop(ending, None)
        # without its mark it is not kept when it comes again, which would make others go
        self.once[hash(ending) & self.mask] = 0


def _weight(token: str, claims: dict[str, Any]) -> int:
    """The bytes that an entry takes, at most: every character is counted as of the widest kind."""
    weight = _ENTRY + _CHARACTER * len(token) + _CLAIM * len(claims)
    for value in claims.values():
        if value.__class__ in _CONTAINERS:
            weight += _deep_size(value)
    return weight


def _deep_size(value: Any) -> int:
    """The bytes of a list or object and all that is in it; without recursion: it may be deep."""
    size, pending = 0, [value]
    while pending:
        inner = pending.pop()
        size += getsizeof(inner)
        if inner.__class__ is dict:
            pending += inner.keys()
            pending += inner.values()
        elif inner.__class__ is list:
            pending += inner
    return size
