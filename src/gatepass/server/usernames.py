"""One spelling for every user name (pure)."""

import unicodedata
from typing import Final

from gatepass.server.errors import AccountRejected

MAX_USERNAME: Final = 64


def find_username(typed: str) -> str | None:
    """The one spelling of a typed user name; `None` when no account can have it."""
    if len(typed) > MAX_USERNAME:
        return None
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", typed).casefold())
    if not 0 < len(folded) <= MAX_USERNAME or not folded.isprintable() or " " in folded:
        return None
    return folded


def parse_username(typed: str) -> str:
    """The one spelling of a user name for a new account.

    Raises:
        AccountRejected: The name is empty, too long, or has blanks or control characters.
    """
    username = find_username(typed)
    if username is None:
        raise AccountRejected(
            f"a user name is 1 to {MAX_USERNAME} printable characters without blanks"
        )
    return username
