"""Who somebody turned out to be when a password was checked; all frameworks share it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """What `authenticate` found out about a user name and a password."""

    subject: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Claims of who the user is: in every access token until a refresh loads them again."""
    epoch: int | None = None
    """The subject's epoch, read *before* the password was checked.

    With it, a login that races a password change loses; `None` does not compare.
    """
    session_claims: Mapping[str, Any] = field(default_factory=dict)
    """Claims of how the user signed in (`amr`, `acr`, an organisation), for the whole session."""
