"""Finds a verifier that misses revocations of a manager in the same process. Pure but for that.

The manager logs it, once for each issuer and audience: this layer knows no log.
"""

from collections.abc import Callable
from typing import Any, Final

_warnings: Final[dict[Any, Callable[[], None]]] = {}
"""How the managers of this process warn, by issuer and audience."""
_unchecked: Final[set[Any]] = set()
"""Issuers and audiences of verifiers without revocations."""
_told: Final[set[Any]] = set()


def note_manager(issuer: str, audience: str, warn: Callable[[], None]) -> None:
    """A manager was made: `warn` is called if a verifier without revocations is beside it."""
    _warnings[issuer, audience] = warn
    _compare((issuer, audience))


def note_unchecked(issuer: str, audience: str) -> None:
    """A verifier of access tokens was made, and asks no revocations."""
    _unchecked.add((issuer, audience))
    _compare((issuer, audience))


def _compare(names: Any) -> None:
    if names in _unchecked and names in _warnings and names not in _told:
        _told.add(names)
        _warnings[names]()
