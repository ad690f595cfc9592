"""How Redis Streams are followed, one for each partition: by the ids of entries; pure.

Ids come from a primary's clock and only grow. Another primary's clock may be behind, so the
cursor steps back after every change of server or connection; entries may come twice. An entry
that was seen must be there for as long as it matters, or the store has lost some.
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
"""Entries of each stream that one read takes at most."""
BACK_MS: Final = 60_000
_MARGIN_MS: Final = 5_000

Place = tuple[int, int]
_START: Final = (0, 0)
_DAMAGED: Final = "the revocation log in Redis is damaged"


@dataclass(slots=True)
class _Stream:
    """What is known of one partition's log."""

    cursor: Place = _START
    newest: Place = _START
    """The last entry seen."""
    identity: bytes | None = None
    retention_ms: int = SKEW_MS


class StreamCursor:
    """Where the reader of some partitions is; takes replies in and says what to ask for next."""

    def __init__(self, partitions: Sequence[int], denylist: Denylist, alarm: Alarm) -> None:
        self.partitions: Final = tuple(partitions)
        self._denylist = denylist
        self._alarm = alarm
        self._clock = StoreClock()
        self.streams = {partition: _Stream() for partition in partitions}

    def resumed(self) -> Self:
        """The same for a reader with another connection."""
        cursor = copy(self)
        cursor.streams = {partition: copy(one) for partition, one in self.streams.items()}
        cursor.step_back()
        return cursor

    def step_back(self) -> None:
        """Read on a little earlier: another connection may lead to another server."""
        for stream in self.streams.values():
            stream.cursor = (max(stream.cursor[0] - BACK_MS, 0), 0)

    def ids(self) -> list[str]:
        """The ids to read on from, one for each partition."""
        return [_text(stream.cursor) for stream in self.streams.values()]

    def witnesses(self) -> list[str]:
        """The id of each partition's newest entry that was seen."""
        return [_text(stream.newest) for stream in self.streams.values()]

    def judge(self, facts: Sequence[tuple[Any, Any]], store_ms: int) -> None:
        """Compare the logs with what was seen of them; one that lost some is read from its start.

        Args:
            facts: For each partition `id`, `at` and `life` of its meta hash, and the entries
                found at its witness.
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
            self._alarm.calm()
        else:
            self._alarm.sound(found, len(self._denylist))

    def take(self, found: Mapping[int, Sequence[Any]], *, store_ms: int, now_ms: int) -> bool:
        """Take in the entries found in some partitions; whether there are no more."""
        entries: list[Entry] = []
        places: dict[int, Place] = {}
        for partition, read in found.items():
            for name, fields in read:
                place = _place(name)
                entries.append(_entry(place, fields))
                places[partition] = place
        self._denylist.merge(
            entries,
            store_ms=store_ms,
            retention_ms=max(each.retention_ms for each in self.streams.values()),
            now_ms=now_ms,
        )
        for partition, place in places.items():
            stream = self.streams[partition]
            stream.cursor = place
            stream.newest = max(place, stream.newest)
        if self._clock.was_set_back(store_ms, now_ms):
            for stream in self.streams.values():
                stream.cursor = _START
            return False
        return all(len(read) < COUNT for read in found.values())


def _loss(
    stream: _Stream, identity: bytes | None, at: int, *, is_there: bool, store_ms: int
) -> str | None:
    """What says that the log is not what it was."""
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


def _entry(place: Place, fields: Any) -> Entry:
    match fields:
        case [bytes() as kind, bytes() as identifier, *_]:
            with suppress(UnicodeDecodeError):
                return kind.decode(), identifier.decode(), place[0]
    raise StoreUnavailable(_DAMAGED)


def _place(name: bytes) -> Place:
    milliseconds, _, number = name.partition(b"-")
    return int(milliseconds), int(number)


def _text(place: Place) -> str:
    return f"{place[0]}-{place[1]}"
