"""The ids that a verifier refuses, for as long as a token of theirs could still pass; pure.

Times here are milliseconds of this process's own clock, which nobody sets: what an entry's age
was when it came is the store's word, how it ages from then on is not. So neither the verifier's
wall clock nor the store's can make an entry leave early once it is held.
"""

import secrets
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from gatepass.revocations.fingerprints import TABLES, TICKS, Fingerprints, choose_hash

SESSION: Final = "s"
TOKEN: Final = "t"  # noqa: S105 (a kind of entry)

Entry = tuple[str, str, int]
"""`s` for a session, `t` for a token; its id; when it was revoked, in store milliseconds."""

COMPACT_ABOVE: Final = 1 << 18
"""Ids that are held in full; where there are more, all are held as fingerprints."""
_FIRST_SWEEP: Final = 1_024
_SWEEPS: Final = 8
"""Sweeps in the time that an entry is kept: it leaves at most an eighth later."""
_MOVED: Final = 4_096
_SWEPT: Final = 16
"""Tables of fingerprints that one merge sweeps at most, about a fiftieth of a second's work."""
_TICK_MS: Final = 60_000
_FORK_S: Final = 1.0
"""How long a fork waits for a merge; by far longer than one takes."""


class Denylist:
    """Ids of revoked sessions and tokens, for any number of threads; who looks waits for nobody."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        """Sessions held in full: a set is looked up in faster than the times below."""
        self.tokens: set[str] = set()
        """Tokens held in full."""
        self.table: Fingerprints | None = None
        """What is held as fingerprints, once it is too much to be held in full."""
        self.retention_ms = 0
        self._times: dict[str, dict[str, int]] = {SESSION: {}, TOKEN: {}}
        """For each kind what is held in full, and when it was revoked."""
        self._lock = threading.Lock()
        self._is_taken_for_fork = False
        self._hash = choose_hash()
        self._salt = secrets.randbits(64)
        self._tick_ms = _TICK_MS
        self._moving: Iterator[tuple[int, int]] | None = None
        self._sweep_at_size = _FIRST_SWEEP
        self._swept_ms = 0

    def __len__(self) -> int:
        held = 0 if self.table is None else len(self.table)
        return len(self.sessions) + len(self.tokens) + held

    def is_held(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session or the token is held."""
        return (
            session_id in self.sessions
            or token_id in self.tokens
            or (self.table is not None and self.has_fingerprint(session_id, token_id))
        )

    def has_fingerprint(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether either is held as a fingerprint."""
        table = self.table
        if table is None:
            return False  # all of them left this very moment
        return (session_id is not None and table.has(self._hash(session_id))) or (
            token_id is not None and table.has(self._hash(token_id) ^ self._salt)
        )

    def merge(
        self, entries: Iterable[Entry], *, store_ms: int, retention_ms: int, now_ms: int
    ) -> None:
        """Take entries in; those held already count from the later time.

        Args:
            entries: In any order; what is past its retention or of an unknown kind is left out.
            store_ms: The store's clock when it answered, by which entries are dated.
            retention_ms: How long an entry matters; it never becomes shorter.
            now_ms: This process's own clock.
        """
        ahead_ms = now_ms - store_ms
        with self._lock:
            self._keep_for(retention_ms, now_ms)
            before_ms = now_ms - self.retention_ms
            for kind, identifier, at_ms in entries:
                here_ms = min(at_ms + ahead_ms, now_ms)
                if here_ms > before_ms:  # a log is kept for a day, and may be for longer
                    self._hold(kind, identifier, here_ms)
            self._tidy(now_ms)

    def hold(self, kind: str, identifier: str, now_ms: int) -> None:
        """Take in one that was revoked just now."""
        with self._lock:
            self._hold(kind, identifier, now_ms)

    def before_fork(self) -> None:
        """Let nobody change anything while a child gets its copy, which would stay half done."""
        self._is_taken_for_fork = self._lock.acquire(timeout=_FORK_S)

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; in a child the parent's threads are not there to unlock anything."""
        if in_child:
            self._lock = threading.Lock()
        elif self._is_taken_for_fork:
            self._lock.release()

    def _hold(self, kind: str, identifier: str, at_ms: int) -> None:
        if kind not in {SESSION, TOKEN}:
            return
        if self.table is not None:
            self.table.add(self._fingerprint(kind, identifier), at_ms // self._tick_ms)
            return
        times = self._times[kind]
        times[identifier] = max(at_ms, times.get(identifier, at_ms))
        (self.sessions if kind == SESSION else self.tokens).add(identifier)

    def _fingerprint(self, kind: str, identifier: str) -> int:
        return self._hash(identifier) ^ (0 if kind == SESSION else self._salt)

    def _keep_for(self, retention_ms: int, now_ms: int) -> None:
        if retention_ms <= self.retention_ms:
            return
        by = -(-4 * retention_ms // (TICKS * self._tick_ms))
        if by > 1:  # else the ticks would come round too soon
            if self.table is not None:
                self.table.rescale(now_ms // self._tick_ms, by)
            self._tick_ms *= by
        self.retention_ms = retention_ms  # last: what failed is done again

    def _tidy(self, now_ms: int) -> None:
        """Drop what is past its retention, now and then, in steps that take little time."""
        before_ms = now_ms - self.retention_ms
        if self.table is not None:
            self._move(self.table, before_ms)
            self._sweep_table(self.table, now_ms)
        elif (
            len(self) >= self._sweep_at_size
            or now_ms - self._swept_ms >= self.retention_ms // _SWEEPS
        ):
            self._drop_before(before_ms)
            self._sweep_at_size = min(max(_FIRST_SWEEP, 2 * len(self)), COMPACT_ABOVE)
            self._swept_ms = now_ms
            if len(self) >= COMPACT_ABOVE:
                self._begin_to_compact()

    def _drop_before(self, before_ms: int) -> None:
        for times in self._times.values():
            for identifier in [key for key, at_ms in times.items() if at_ms <= before_ms]:
                del times[identifier]
        self.sessions, self.tokens = set(self._times[SESSION]), set(self._times[TOKEN])

    def _begin_to_compact(self) -> None:
        """Hold fingerprints from now on; what is held in full follows little by little."""
        self.table = Fingerprints()

    def _all_in_full(self) -> Iterator[tuple[int, int]]:
        for kind, times in self._times.items():
            for identifier, at_ms in times.items():
                yield self._fingerprint(kind, identifier), at_ms

    def _move(self, table: Fingerprints, before_ms: int) -> None:
        if not self.sessions and not self.tokens:
            return
        moving = self._moving or self._all_in_full()
        self._moving = None  # a step that fails, or is forked in, begins from the start again
        some = list(islice(moving, _MOVED))
        for fingerprint, at_ms in some:
            if at_ms > before_ms:
                table.add(fingerprint, at_ms // self._tick_ms)
        if some:
            self._moving = moving
        else:
            self.sessions, self.tokens = set(), set()
            self._times = {SESSION: {}, TOKEN: {}}

    def _sweep_table(self, table: Fingerprints, now_ms: int) -> None:
        every_ms = max(self.retention_ms // _SWEEPS // TABLES, 1)
        due = (now_ms - self._swept_ms) // every_ms
        if due:
            oldest = (now_ms - self.retention_ms) // self._tick_ms
            table.sweep(min(due, _SWEPT), oldest)
            self._swept_ms = now_ms
        if not len(self):
            self.table = None
            self._sweep_at_size = _FIRST_SWEEP
