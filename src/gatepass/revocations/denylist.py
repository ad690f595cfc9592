"""The revoked ids that a replica holds, each for as long as one of its tokens could pass. Pure.

Times here are milliseconds on the clock of this process that nobody sets. The store says how old
an entry is when it is read; from then on that clock counts. So neither the wall clock of the
verifier nor that of the store can make an entry leave early.
"""

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from gatepass.revocations.fingerprints import TABLES, Fingerprints, choose_hash

SESSION: Final = "s"
TOKEN: Final = "t"  # noqa: S105 (a kind of entry)

Entry = tuple[str, str, int]
"""`s` for a session, `t` for a token; its id; when it was revoked, in store milliseconds."""

COMPACT_ABOVE: Final = 1 << 18
"""The most ids that are held in full; beyond that number all are held as fingerprints."""
_FIRST_SWEEP: Final = 1_024
_SWEEPS: Final = 8
"""Sweeps per retention: an entry leaves at most an eighth of its retention late."""
_MOVED: Final = 4_096
_SWEPT: Final = 16
"""The most tables of fingerprints that one merge sweeps, about 20 ms of work."""
_FORK_S: Final = 1.0
"""The longest wait of a fork for a merge; a merge takes far less."""


class Denylist:
    """Ids of revoked sessions and tokens, for any number of threads; look-ups take no lock."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        """Sessions held in full, beside `_times`: a look-up in a set is faster."""
        self.tokens: set[str] = set()
        """Tokens held in full."""
        self.table: Fingerprints | None = None
        """The ids as fingerprints, once there are too many to hold in full."""
        self.told: Callable[[Iterable[Entry]], object] | None = None
        """Called with entries after checks see them, and without the lock."""
        self.retention_ms = 0
        self._times: dict[str, dict[str, int]] = {SESSION: {}, TOKEN: {}}
        """For each kind the ids held in full, with the times of their revocation."""
        self._lock = threading.Lock()
        self._is_taken_for_fork = False
        self._hash = choose_hash()
        self._salt = secrets.randbits(64)
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
            return False  # the last one has just left
        return (session_id is not None and table.has(self._hash(session_id))) or (
            token_id is not None and table.has(self._hash(token_id) ^ self._salt)
        )

    def merge(
        self, entries: Sequence[Entry], *, store_ms: int, retention_ms: int, now_ms: int
    ) -> None:
        """Take entries in; those held already count from the later time.

        Args:
            entries: In any order. Those past their retention or of unknown kind are left out.
            store_ms: The store's clock, which dates entries, at the time of its answer.
            retention_ms: The time for which an entry matters; it never becomes shorter.
            now_ms: This process's own clock.
        """
        ahead_ms = now_ms - store_ms
        with self._lock:
            self.retention_ms = max(retention_ms, self.retention_ms)
            before_ms = now_ms - self.retention_ms
            for kind, identifier, at_ms in entries:
                here_ms = min(at_ms + ahead_ms, now_ms)
                if here_ms > before_ms:  # the log keeps entries for a day and longer
                    self._hold(kind, identifier, here_ms)
            self._tidy(now_ms)
        if self.told is not None:
            self.told(entries)

    def hold(self, kind: str, identifier: str, now_ms: int) -> None:
        """Take in an id that was revoked just now."""
        with self._lock:
            self._hold(kind, identifier, now_ms)
        if self.told is not None:
            self.told([(kind, identifier, now_ms)])

    def before_fork(self) -> None:
        """Wait for a change under way: a child would keep it half done."""
        self._is_taken_for_fork = self._lock.acquire(timeout=_FORK_S)

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; a child gets a new lock, because no thread there would release the old one."""
        if in_child:
            self._lock = threading.Lock()
        elif self._is_taken_for_fork:
            self._lock.release()

    def _hold(self, kind: str, identifier: str, at_ms: int) -> None:
        if kind not in {SESSION, TOKEN}:
            return
        if self.table is not None:
            self.table.add(self._fingerprint(kind, identifier), at_ms // 1000)
            return
        times = self._times[kind]
        times[identifier] = max(at_ms, times.get(identifier, at_ms))
        (self.sessions if kind == SESSION else self.tokens).add(identifier)

    def _fingerprint(self, kind: str, identifier: str) -> int:
        return self._hash(identifier) ^ (0 if kind == SESSION else self._salt)

    def _tidy(self, now_ms: int) -> None:
        """Drop entries past their retention, now and then, in short steps."""
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
                self.table = Fingerprints()  # ids held in full move to it little by little

    def _drop_before(self, before_ms: int) -> None:
        for times in self._times.values():
            for identifier in [key for key, at_ms in times.items() if at_ms <= before_ms]:
                del times[identifier]
        self.sessions, self.tokens = set(self._times[SESSION]), set(self._times[TOKEN])

    def _all_in_full(self) -> Iterator[tuple[int, int]]:
        for kind, times in self._times.items():
            for identifier, at_ms in times.items():
                yield self._fingerprint(kind, identifier), at_ms

    def _move(self, table: Fingerprints, before_ms: int) -> None:
        if not self.sessions and not self.tokens:
            return
        moving = self._moving or self._all_in_full()
        self._moving = None  # after a failure or a fork the next step begins anew
        some = list(islice(moving, _MOVED))
        for fingerprint, at_ms in some:
            if at_ms > before_ms:
                table.add(fingerprint, at_ms // 1000)
        if some:
            self._moving = moving
        else:
            self.sessions, self.tokens = set(), set()
            self._times = {SESSION: {}, TOKEN: {}}

    def _sweep_table(self, table: Fingerprints, now_ms: int) -> None:
        every_ms = max(self.retention_ms // _SWEEPS // TABLES, 1)
        due = (now_ms - self._swept_ms) // every_ms
        if due:
            table.sweep(min(due, _SWEPT), (now_ms - self.retention_ms) // 1000)
            self._swept_ms = now_ms
        if not len(self):
            self.table = None
            self._sweep_at_size = _FIRST_SWEEP
