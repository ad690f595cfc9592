"""What a verifier holds of a store's revocation log; pure, whatever database feeds it.

A reader asks its database for what follows `cursor`, and merges page after page until one
says that there is no more. Entries may come twice; they never come back out before they are
past retention, not even when the log itself loses them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_LOG: Final = logging.getLogger(__name__)
_FIRST_EXPIRY: Final = 1_024

START: Final = 0
"""The cursor of a reader that has seen nothing."""

Entry = tuple[int, str, str, int]
"""Place in the log; `s` for a session, `t` for a token; its id; when, in store milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """What a database answered."""

    identity: str
    """Drawn at random when the log was made."""
    head: int
    """The last place given out, whether or not its entry is still there."""
    retention_ms: int
    """How long an entry matters: the longest access life + leeway + skew."""
    entries: Sequence[Entry]
    """What follows the cursor, in order."""
    is_last: bool
    """Whether there was no more when the database answered."""


class RevocationLog:
    """A copy of the log; its user sees to it that one thread at a time merges."""

    def __init__(self) -> None:
        self.cursor = START
        self._identity: str | None = None
        self._at_ms: dict[str, dict[str, int]] = {"s": {}, "t": {}}
        self.sessions: Mapping[str, int] = self._at_ms["s"]
        """Revoked sessions, and when."""
        self.tokens: Mapping[str, int] = self._at_ms["t"]
        """Revoked tokens, and when."""
        self._expire_at = _FIRST_EXPIRY
        self._is_alarmed = False

    def __len__(self) -> int:
        return len(self.sessions) + len(self.tokens)

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether either id is held."""
        return session_id in self.sessions or token_id in self.tokens

    def merge(self, page: LogPage, now_ms: int) -> bool:
        """Take in a page; whether the copy is complete, or the reader must ask again.

        A log that is another one, or has gone backwards, is read anew from its start.
        """
        if self._identity is None:
            self._identity = page.identity
        elif page.identity != self._identity or page.head < self.cursor:
            self.alarm("another log" if page.identity != self._identity else "an older log")
            self._identity = page.identity
            self.cursor = START
            return False
        for place, kind, identifier, at_ms in page.entries:
            held = self._at_ms.setdefault(kind, {})
            held[identifier] = max(at_ms, held.get(identifier, at_ms))
            self.cursor = place
        if len(self) >= self._expire_at:
            self._expire(now_ms - page.retention_ms)
        self._is_alarmed = self._is_alarmed and not page.is_last
        return page.is_last

    def alarm(self, found: str) -> None:
        """Say once that revocations may have been lost; those held are kept."""
        if not self._is_alarmed:
            self._is_alarmed = True
            _LOG.warning(
                "the store has lost revocations: found %s; keeping the %d held", found, len(self)
            )

    def _expire(self, before_ms: int) -> None:
        for held in self._at_ms.values():
            for identifier in [key for key, at_ms in held.items() if at_ms <= before_ms]:
                del held[identifier]
        self._expire_at = max(_FIRST_EXPIRY, 2 * len(self))
