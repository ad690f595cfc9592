"""The cursor of a reader of Redis Streams: which ids to read on from, one for each partition. Pure.

1. While one primary is in charge, the ids of a stream only grow. Reading on after the last id
   therefore misses nothing.
2. Ids come from a primary's clock, and another primary's clock may be behind. After every change
   of connection or server the cursor steps back 60 s. Entries that come twice change nothing.
3. An entry that was read must stay in the stream for as long as it matters. If the newest one is
   missing, or the log has another identity, or its last entry is older than one that was read,
   then the store has lost revocations. The cursor reports that and reads from the start; the
   denylist keeps what it holds.
4. An entry's age is the store's word. When the store's clock was set back, the cursor reads from
   the start, because entries may have been left out as too old.
5. A read is complete if no stream had more entries than one read takes.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, Final, Self

from gatepass.errors import StoreUnavailable
from gatepass.revocations.alarm import Alarm
from gatepass.revocations.clocks import StoreClock
from gatepass.revocations.denylist import Denylist, Entry
from gatepass.sessions.session import SKEW_MS

COUNT: Final = 500
"""The most entries that one read takes from each stream."""
BACK_MS: Final = 60_000
_MARGIN_MS: Final = 5_000

EntryId = tuple[int, int]
_START: Final = (0, 0)
_DAMAGED: Final = "the revocation log in Redis is damaged"


@dataclass(slots=True)
class _Stream:
    """The state of one partition's log."""

    cursor: EntryId = _START
    newest: EntryId = _START
    """The newest entry that was read."""
    identity: bytes | None = None
    retention_ms: int = SKEW_MS


class RedisCursor:
    """Takes in what a reader of some partitions receives, and says which ids to read on from."""

    def __init__(self, partitions: Sequence[int], denylist: Denylist, alarm: Alarm) -> None:
        self.partitions: Final = tuple(partitions)
        self._denylist = denylist
        self._alarm = alarm
        self._clock = StoreClock()
        self.streams = {partition: _Stream() for partition in partitions}

    def resumed(self) -> Self:
        """A copy for a reader with another connection."""
        cursor = copy(self)
        cursor.streams = {partition: copy(one) for partition, one in self.streams.items()}
        cursor.step_back()
        return cursor

    def step_back(self) -> None:
        """Read a minute again: another connection may lead to another server (rule 2)."""
        for stream in self.streams.values():
            stream.cursor = (max(stream.cursor[0] - BACK_MS, 0), 0)

    def ids(self) -> list[str]:
        """The ids to read on from, one for each partition."""
        return [_format_id(stream.cursor) for stream in self.streams.values()]

    def witnesses(self) -> list[str]:
        """The id of the newest entry that was read, for each partition."""
        return [_format_id(stream.newest) for stream in self.streams.values()]

    def judge(self, facts: Sequence[tuple[Any, Any]], store_ms: int) -> None:
        """Compare the logs with the entries read; a log that lost some starts anew (rule 3).

        Args:
            facts: For each partition `id`, `at` and `life` of its meta hash, and the entries
                at its witness.
            store_ms: The store's clock.
        """
        found = None
        for stream, (meta, witness) in zip(self.streams.values(), facts, strict=True):
            identity, at, life = _meta(meta)
            retention_ms = life + SKEW_MS
            lost = _loss(stream, identity, at, is_there=bool(witness), store_ms=store_ms)
            if lost is not None:
                found = lost
                stream.cursor = stream.newest = _START
            stream.identity = identity
            stream.retention_ms = retention_ms
        if found is None:
            self._alarm.reset()
        else:
            self._alarm.report(found, len(self._denylist))

    def take(self, found: Mapping[int, Sequence[Any]], *, store_ms: int, now_ms: int) -> bool:
        """Take in the entries of some partitions; whether the copy is complete (rules 4 and 5)."""
        entries: list[Entry] = []
        last: dict[int, EntryId] = {}
        for partition, read in found.items():
            for name, fields in read:
                entry_id = _parse_id(name)
                entries.append(_entry(entry_id, fields))
                last[partition] = entry_id
        self._denylist.merge(
            entries,
            store_ms=store_ms,
            retention_ms=max(each.retention_ms for each in self.streams.values()),
            now_ms=now_ms,
        )
        for partition, entry_id in last.items():
            stream = self.streams[partition]
            stream.cursor = entry_id
            stream.newest = max(entry_id, stream.newest)
        if self._clock.was_set_back(store_ms, now_ms):
            for stream in self.streams.values():
                stream.cursor = _START
            return False
        return all(len(read) < COUNT for read in found.values())


def _loss(
    stream: _Stream, identity: bytes | None, at: int, *, is_there: bool, store_ms: int
) -> str | None:
    """The sign that the log lost entries, if there is one."""
    if stream.identity is not None and identity != stream.identity:
        return "no log" if identity is None else "another log"
    if at < stream.newest[0]:
        return "an older log"
    is_due = stream.newest[0] + stream.retention_ms > store_ms + _MARGIN_MS
    return "an older log" if is_due and not is_there else None


def _meta(values: Any) -> tuple[bytes | None, int, int]:
    match values:
        case [bytes() | None as identity, at, life]:
            with suppress(TypeError, ValueError):
                return identity, int(at or 0), int(life or 0)
    raise StoreUnavailable(_DAMAGED)


def _entry(entry_id: EntryId, fields: Any) -> Entry:
    match fields:
        case [bytes() as kind, bytes() as identifier, *_]:
            with suppress(UnicodeDecodeError):
                return kind.decode(), identifier.decode(), entry_id[0]
    raise StoreUnavailable(_DAMAGED)


def _parse_id(name: bytes) -> EntryId:
    milliseconds, _, number = name.partition(b"-")
    return int(milliseconds), int(number)


def _format_id(entry_id: EntryId) -> str:
    return f"{entry_id[0]}-{entry_id[1]}"
