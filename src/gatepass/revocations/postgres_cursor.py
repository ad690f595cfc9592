"""The cursor of a reader of PostgreSQL's log: by what a snapshot did not see. Pure.

1. Transactions become visible in another order than they began, so that no number and no time
   says where to read on. A pass takes every visible entry that the snapshot of the last pass
   did not see.
2. A pass has no upper bound. A bound at the oldest transaction under way would let one idle
   transaction, in any database of the server, hide all later revocations.
3. A pass may take several pages. The next one starts from the snapshot of the *first* page's
   statement: what became visible during a pass is taken then, perhaps for the second time.
4. By 1 to 3 every entry is visible to one pass, or unseen by its snapshot and taken by the next.
   Entries that come twice change nothing.
5. After a crash or a fail-over the server may give out transaction numbers again. After every
   change of connection or server, a pass also takes all entries of the last two minutes.
6. The newest entry that was taken must stay in the log for as long as it matters. If it is
   missing, or the log has another identity, then the store has lost revocations. The cursor
   reports that and starts from nothing; the denylist keeps what it holds.
7. An entry's age is the store's word. When the store's clock was set back, the cursor starts
   from nothing, because entries may have been left out as too old.
8. Only a primary's answer counts.
"""

import json
from collections.abc import Sequence
from copy import copy
from typing import Any, Final, Self

from gatepass.errors import StoreUnavailable
from gatepass.revocations.alarm import Alarm
from gatepass.revocations.clocks import StoreClock
from gatepass.revocations.denylist import Denylist, Entry
from gatepass.sessions.session import SKEW_MS

PAGE: Final = 2_000
_NOTHING: Final = "3:3:"
"""A snapshot that saw no transaction."""
NEVER_MS: Final = 2**62
"""Later than every entry: a pass that starts from it takes none for its age."""
_FIRST: Final = (0, 0)
BACK_MS: Final = 120_000
"""How far rule 5 goes back: 60 s for clocks, and as much for slow transactions."""
_MARGIN_MS: Final = 60_000

Row = Sequence[Any]


class PostgresCursor:
    """Takes in what a reader receives, and says what its next statement asks for."""

    def __init__(self, denylist: Denylist, alarm: Alarm) -> None:
        self._denylist = denylist
        self._alarm = alarm
        self._clock = StoreClock()
        self._identity: str | None = None
        self._seen = _NOTHING
        """The snapshot that the pass under way starts from."""
        self._run: str | None = None
        """The server that answered last, and since when it gives out transaction numbers."""
        self._newest: Entry | None = None
        """The newest entry that was taken in (rule 6)."""
        self._store_ms = 0
        self._retention_ms = 0
        self._first: str | None = None
        """The snapshot of this pass's first statement."""
        self._after = _FIRST
        self._since_ms = NEVER_MS

    def resumed(self) -> Self:
        """A copy for a reader with another connection."""
        cursor = copy(self)
        cursor.step_back()
        return cursor

    def step_back(self) -> None:
        """Begin a pass anew, on another connection and perhaps another server (rule 5)."""
        self._first, self._after = None, _FIRST
        is_from_start = self._seen == _NOTHING  # such a pass takes everything
        self._since_ms = NEVER_MS if is_from_start else self._store_ms - BACK_MS

    def values(self) -> tuple[str, int, str, int, str | None, str | None]:
        """The parameters of the next statement."""
        kind, identifier = (None, None) if self._newest is None else self._newest[:2]
        transaction, number = self._after
        return self._seen, self._since_ms, str(transaction), number, kind, identifier

    def take(self, rows: Sequence[Row], now_ms: int) -> bool:
        """Take in the answer to a statement; whether the pass is complete.

        Raises:
            StoreUnavailable: There is no log, or a standby answered.
        """
        if not rows:
            self._alarm.report("no log", len(self._denylist))
            raise StoreUnavailable("the revocation log is gone")
        is_standby, snapshot, run, identity, longest_ms, store_ms, is_newest_there, page = rows[0]
        if is_standby:
            raise StoreUnavailable("the database is a standby")
        is_moved = self._run not in {None, run}
        if is_moved:  # behind a pooler, without a new connection
            self.step_back()
        self._run = run
        retention_ms = longest_ms + SKEW_MS
        found = self._find_loss(identity, store_ms, retention_ms, is_there=is_newest_there)
        if found is not None:  # forget first: a fork may copy this object at any moment
            self._seen, self._newest = _NOTHING, None
            self.step_back()
        self._identity, self._store_ms, self._retention_ms = identity, store_ms, retention_ms
        if found is not None:
            self._alarm.report(found, len(self._denylist))
            return False
        if self._clock.was_set_back(store_ms, now_ms):
            self._seen = _NOTHING
            self.step_back()
            return False
        if is_moved:
            return False
        self._first = self._first or snapshot
        read = json.loads(page)
        entries: list[Entry] = [(kind, identifier, at_ms) for _, _, kind, identifier, at_ms in read]
        self._denylist.merge(entries, store_ms=store_ms, retention_ms=retention_ms, now_ms=now_ms)
        self._remember(entries)
        if len(entries) >= PAGE:
            self._after = max((int(transaction), number) for transaction, number, *_ in read)
            return False
        self._seen, self._first = self._first, None
        self._after, self._since_ms = _FIRST, NEVER_MS
        self._alarm.reset()
        return True

    def _find_loss(
        self, identity: str, store_ms: int, retention_ms: int, *, is_there: bool
    ) -> str | None:
        """The sign that the log lost entries, if there is one."""
        if self._identity is not None and identity != self._identity:
            return "another log"
        if self._newest is None or is_there:
            return None
        kept_until_ms = self._newest[2] + min(retention_ms, self._retention_ms)
        return "an older log" if kept_until_ms > store_ms + _MARGIN_MS else None

    def _remember(self, entries: Sequence[Entry]) -> None:
        youngest = max(entries, key=lambda entry: entry[2], default=None)
        if youngest is not None and (self._newest is None or youngest[2] >= self._newest[2]):
            self._newest = youngest
