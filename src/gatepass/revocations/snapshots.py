"""How PostgreSQL's log is followed: by what a snapshot did not see yet; pure.

Transactions become visible in another order than they began, so that neither a sequence nor a
time tells where to read on, and an upper bound would let one idle transaction anywhere in the
cluster hide everything after it. So each pass takes *all* visible rows that the last pass's
snapshot did not see, and the next goes on from the snapshot of this pass's first statement.
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
"""A snapshot before every transaction."""
NEVER_MS: Final = 2**62
"""Nothing is as young as this."""
_FIRST: Final = (0, 0)
BACK_MS: Final = 120_000
"""How far to step back on a new connection: 60 s for clocks, and as much for slow transactions.

After a crash or a fail-over numbers of transactions may be given out a second time.
"""
_MARGIN_MS: Final = 60_000

Row = Sequence[Any]


class SnapshotCursor:
    """Where a reader is; takes rows in and says what to ask for next."""

    def __init__(self, denylist: Denylist, alarm: Alarm) -> None:
        self._denylist = denylist
        self._alarm = alarm
        self._clock = StoreClock()
        self._identity: str | None = None
        self._seen = _NOTHING
        """The snapshot of the last complete pass."""
        self._run: str | None = None
        """Which server answered last, and since when it gives out numbers of transactions."""
        self._newest: Entry | None = None
        """The youngest entry taken in: as long as it matters it must be there."""
        self._store_ms = 0
        self._retention_ms = 0
        self._reading: str | None = None
        self._after = _FIRST
        self._since_ms = NEVER_MS

    def resumed(self) -> Self:
        """The same for a reader with another connection."""
        cursor = copy(self)
        cursor.step_back()
        return cursor

    def step_back(self) -> None:
        """Begin a pass anew, on another connection and perhaps to another server."""
        self._reading, self._after = None, _FIRST
        is_from_start = self._seen == _NOTHING  # whose pass takes all there is
        self._since_ms = NEVER_MS if is_from_start else self._store_ms - BACK_MS

    def values(self) -> tuple[str, int, str, int, str | None, str | None]:
        """The parameters of the next statement."""
        kind, identifier = (None, None) if self._newest is None else self._newest[:2]
        place, number = self._after
        return self._seen, self._since_ms, str(place), number, kind, identifier

    def take(self, rows: Sequence[Row], now_ms: int) -> bool:
        """Take in what a statement found; whether the pass is complete.

        Raises:
            StoreUnavailable: It is not the log of a primary.
        """
        if not rows:
            self._alarm.sound("no log", len(self._denylist))
            raise StoreUnavailable("the revocation log is gone")
        is_standby, snapshot, run, identity, longest_ms, store_ms, is_newest_there, page = rows[0]
        if is_standby:
            raise StoreUnavailable("the database is a standby")
        is_moved = self._run not in {None, run}
        if is_moved:  # a pooler's connection outlives the server's
            self.step_back()
        self._run = run
        retention_ms = longest_ms + SKEW_MS
        found = self._find_loss(identity, store_ms, retention_ms, is_there=is_newest_there)
        if found is not None:  # forgotten first: a child may be forked at any moment
            self._seen, self._newest = _NOTHING, None
            self.step_back()
        self._identity, self._store_ms, self._retention_ms = identity, store_ms, retention_ms
        if found is not None:
            self._alarm.sound(found, len(self._denylist))
            return False
        if self._clock.was_set_back(store_ms, now_ms):
            self._seen = _NOTHING
            self.step_back()
            return False
        if is_moved:
            return False
        self._reading = self._reading or snapshot
        read = json.loads(page)
        entries: list[Entry] = [(kind, identifier, at_ms) for _, _, kind, identifier, at_ms in read]
        self._denylist.merge(entries, store_ms=store_ms, retention_ms=retention_ms, now_ms=now_ms)
        self._remember(entries)
        if len(entries) >= PAGE:
            self._after = max((int(place), number) for place, number, *_ in read)
            return False
        self._seen, self._reading = self._reading, None
        self._after, self._since_ms = _FIRST, NEVER_MS
        self._alarm.calm()
        return True

    def _find_loss(
        self, identity: str, store_ms: int, retention_ms: int, *, is_there: bool
    ) -> str | None:
        """What says that the log is not what it was."""
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
