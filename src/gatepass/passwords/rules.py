"""The rules for a password that somebody chooses (NIST SP 800-63B §5.1.1.2). Pure."""

import unicodedata
from collections.abc import Container
from typing import Final

from gatepass.errors import PasswordRejected

MIN_PASSWORD: Final = 8
"""Characters of a new password at least."""
MAX_PASSWORD: Final = 1_024
"""Bytes of a password at most."""


def normalize(password: str) -> bytes | None:
    """One form for characters that keyboards write in several (NFKC); `None`: it is no text."""
    try:
        return unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None


def require_good(password: str, username: str, common: Container[str]) -> None:
    """Return when a new password keeps the rules.

    Raises:
        PasswordRejected: The password is short, blank, the user name or a common one.
    """
    if len(password) < MIN_PASSWORD:
        raise PasswordRejected(f"a password has at least {MIN_PASSWORD} characters")
    folded = _fold(password)
    if not folded.strip():
        raise PasswordRejected("a password is more than blanks")
    if folded == _fold(username):
        raise PasswordRejected("a password is not the user name")
    if folded in common:
        raise PasswordRejected("this password is too common: attackers try it first")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
