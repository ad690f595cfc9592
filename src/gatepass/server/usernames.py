"""One spelling for every user name (pure)."""

import unicodedata
from typing import Final

from gatepass.server.errors import AccountRejected

MAX_USERNAME: Final = 64
_INVISIBLE: Final = frozenset(
    chr(point)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0xFE00, 0xFE0F),
        (0x16FE4, 0x16FE4),
        (0x1D159, 0x1D159),
        (0xE0100, 0xE01EF),
    )
    for point in range(first, last + 1)
)
"""Code points that Python counts as printable and that nobody sees, such as U+FE0F.

They are Unicode's `Default_Ignorable_Code_Point`s among the printable ones, and three blanks.
"""


def find_username(typed: str) -> str | None:
    """The one spelling of a typed user name; `None` when no account can have it."""
    if len(typed) > MAX_USERNAME:
        return None
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", typed).casefold())
    if not 0 < len(folded) <= MAX_USERNAME or not folded.isprintable() or " " in folded:
        return None
    if not _INVISIBLE.isdisjoint(folded):
        return None
    return folded


def parse_username(typed: str) -> str:
    """The one spelling of a user name for a new account.

    Raises:
        AccountRejected: The name is empty, too long, or has blanks or invisible characters.
    """
    username = find_username(typed)
    if username is None:
        raise AccountRejected(
            f"a user name is 1 to {MAX_USERNAME} printable characters, without blanks and "
            "invisible ones"
        )
    return username
