"""The entries of a JWKS: the keys in them, and why the other entries are left out (pure).

1. A key is known by its algorithm and its `kid` together (RFC 7517 §4.5): keys of different
   algorithms may share a `kid`, and one key may have several.
2. The same key under the same name counts once.
3. Of different keys under one algorithm and `kid` none is taken: one of them may be wrong. A
   key that cannot be used counts there too, because it may be the one that is meant.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from gatepass.errors import KeyRejected
from gatepass.jose.keys import Key

EMPTY: Final = (
    "it is empty (a gatepass server with JWT_ACCESS_SECRET publishes no key: set "
    "GATEPASS_KEY_FILE there)"
)
_AMBIGUOUS: Final = "two different keys have the same kid and algorithm"
_FOR_SIGNATURES: Final = (None, "sig")  # a set would fail on a value without a hash
_MOST_REASONS: Final = 4
K = TypeVar("K", bound=Key)


@dataclass(frozen=True, slots=True)
class Entries(Generic[K]):
    """The usable keys, and one reason for each other entry; a reason quotes nothing."""

    keys: tuple[K, ...]
    reasons: tuple[str, ...]
    is_ambiguous: bool
    """Whether different keys have one algorithm and `kid`; none of them is among the keys."""


def read_entries(members: Iterable[object], make: Callable[[Mapping[str, Any]], K]) -> Entries[K]:
    """The keys that `make` makes of the entries; it raises `KeyRejected` for the others."""
    keys, reasons, unusable = [], [], set()
    for jwk in members:
        try:
            keys.append(make(_object(jwk)))
        except KeyRejected as error:
            reasons.append(str(error))
            unusable.add(_name_of(jwk))
    named: dict[tuple[str, str], list[K]] = {}
    for key in keys:
        if key.kid is not None:
            named.setdefault((key.algorithm, key.kid), []).append(key)
    dropped: set[int] = set()
    for name, peers in named.items():
        is_clear = name not in unusable and all(map(peers[0].is_same_key, peers))
        dropped.update(map(id, peers[is_clear:]))
        reasons += [] if is_clear else [_AMBIGUOUS] * len(peers)
    return Entries(
        keys=tuple(key for key in keys if id(key) not in dropped),
        reasons=tuple(reasons),
        is_ambiguous=_AMBIGUOUS in reasons,
    )


def left_out(reasons: tuple[str, ...]) -> str:
    """The reasons as one text, those of most entries first."""
    if not reasons:
        return EMPTY
    counted = Counter(reasons).most_common(_MOST_REASONS)
    texts = [f"{reason} ({count} entries)" if count > 1 else reason for reason, count in counted]
    more = len(reasons) - sum(count for _, count in counted)
    return "; ".join([*texts, f"and {more} more entries"] if more else texts)


def _object(jwk: object) -> Mapping[str, Any]:
    if not isinstance(jwk, Mapping):
        raise KeyRejected("an entry that is not one JSON object, or has a name twice")
    return jwk


def _name_of(jwk: object) -> tuple[object, object] | None:
    """The algorithm and `kid` of an entry for signatures that cannot be used, if it has both."""
    if not isinstance(jwk, Mapping) or jwk.get("use") not in _FOR_SIGNATURES:
        return None
    algorithm, kid = jwk.get("alg"), jwk.get("kid")
    return (algorithm, kid) if isinstance(algorithm, str) and isinstance(kid, str) else None
