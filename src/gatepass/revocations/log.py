"""How a log whose entries are numbered in order is followed; pure, whatever database feeds it.

A reader asks its database for what follows `cursor`, and merges page after page until one
says that there is no more. Entries may come twice; they never come back out before they are
past retention, not even when the log itself loses them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gatepass.revocations.alarm import Alarm
from gatepass.revocations.clocks import StoreClock
from gatepass.revocations.denylist import Denylist, Entry

START: Final = 0
"""The cursor of a reader that has seen nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """What a database answered."""

    identity: str
    """Drawn at random when the log was made."""
    head: int
    """The last place given out, whether or not its entry is still there."""
    store_ms: int
    """The store's clock."""
    retention_ms: int
    """How long an entry matters: the longest access life + leeway + skew."""
    entries: Sequence[tuple[int, str, str, int]]
    """What follows the cursor, in order: the place, then an `Entry`."""
    is_last: bool
    """Whether there was no more when the database answered."""


class RevocationLog:
    """Follows one log into a denylist; its user sees to it that one thread at a time merges."""

    def __init__(self, denylist: Denylist) -> None:
        self.denylist: Final = denylist
        self.alarm: Final = Alarm()
        self.cursor = START
        self._clock = StoreClock()
        self._identity: str | None = None

    def merge(self, page: LogPage, now_ms: int) -> bool:
        """Take in a page; whether the copy is complete, or the reader must ask again.

        A log that is another one, or has gone backwards, is read anew from its start, and so is
        one whose store's clock was set back. `now_ms` is the clock of the denylist.
        """
        if self._identity is None:
            self._identity = page.identity
        elif page.identity != self._identity or page.head < self.cursor:
            found = "another log" if page.identity != self._identity else "an older log"
            self.alarm.sound(found, len(self.denylist))
            self._identity = page.identity
            self.cursor = START
            return False
        cursor, self.cursor = self.cursor, START  # first: a time limit may end this anywhere
        if self._clock.was_set_back(page.store_ms, now_ms):
            return False
        self.cursor = cursor
        entries: list[Entry] = [(kind, name, at_ms) for _, kind, name, at_ms in page.entries]
        self.denylist.merge(
            entries, store_ms=page.store_ms, retention_ms=page.retention_ms, now_ms=now_ms
        )
        if page.entries:
            self.cursor = page.entries[-1][0]
        if page.is_last:
            self.alarm.calm()
        return page.is_last
