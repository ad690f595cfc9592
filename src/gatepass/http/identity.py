"""The user whose password was checked; all frameworks share this type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """The result of `authenticate` for a user name and its password."""

    subject: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Claims about the user: in every access token until a refresh loads them again."""
    epoch: int | None = None
    """The subject's epoch, read *before* the password was checked.

    With it, a login that overlaps with a password change fails; `None` does not compare.
    """
    session_claims: Mapping[str, Any] = field(default_factory=dict)
    """Claims about the login (`amr`, `acr`, an organisation), for the whole session."""
