"""Sessions in this process's memory, for tests and single-process programs; nothing survives it."""

import logging
from collections.abc import Callable, Iterable
from hmac import compare_digest
from typing import ClassVar, Final, Literal

from msgspec.structs import replace

from gatepass._clock import wall_clock
from gatepass.errors import StoreUnavailable
from gatepass.sessions import (
    IssuePlan,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    SessionKind,
    key_token,
    plan_session,
    rotate,
)
from gatepass.sessions.texts import require_encodable
from gatepass.stores.memory.epochs import Epochs
from gatepass.stores.memory.opaque import MemoryOpaque
from gatepass.watches import POLL_S, Steps, Watches

_OTHERS: Final = (
    "MemoryStore does not have the session of a valid token: another worker process opened it, "
    "or this program was started anew. For several workers use SqlStore or RedisStore"
)
_log = logging.getLogger("gatepass")


class MemoryStore(MemoryOpaque):
    """Sessions, epochs, revocations and limits of one process, safe to use from many threads.

    Expired rows are removed as the store grows. Past `max_rows` sessions a login is rejected
    with `StoreUnavailable`; revocations are always taken.
    """

    is_async: ClassVar[Literal[False]] = False

    def __init__(
        self, clock: Callable[[], float] = wall_clock, *, max_rows: int = 1_000_000
    ) -> None:
        super().__init__(clock)
        self._max_rows = max_rows
        self._epochs = Epochs()
        self.watches = Watches(self._look, POLL_S)
        """The connections that end when their session or token is revoked here."""
        self._has_warned = False

    def issue(self, plan: IssuePlan) -> Session | None:
        """Insert a session under its subject's lock; `None`: the epoch has changed.

        Raises:
            StoreUnavailable: The store is closed, or full of sessions that have not expired.
            ValueError: The session id is in use.
        """
        require_encodable(plan.session_id, plan.subject, plan.client_id, plan.device, plan.actor)
        with self._lock:
            now_ms = self._now_ms()
            self._give_back(plan.give_back, now_ms)
            if plan.epoch is not None and plan.epoch != self._epochs.last(plan.subject)[0]:
                return None
            if plan.session_id in self._rows:
                message = "the session id is in use"
                raise ValueError(message)
            self._make_room(now_ms)
            self._longest_access_ms = max(self._longest_access_ms, plan.access_lifetime_ms)
            older = self._live(plan.subject, now_ms, plan.kind)[max(plan.max_sessions - 1, 0) :]
            self._revoke(older, now_ms, "max_sessions")
            session = plan_session(plan, now_ms)
            self._rows[session.session_id] = session
            self._ids_of.setdefault(session.subject, set()).add(session.session_id)
            if plan.opaque_id is not None:
                self._opaque[plan.opaque_id] = key_token(session)
            if plan.actor is not None:
                self._actor_of[session.session_id] = plan.actor
            return session

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """Apply `gatepass.sessions.rotate` under the lock."""
        require_encodable(plan.session_id)
        with self._lock:
            now_ms = self._now_ms()
            self._longest_access_ms = max(self._longest_access_ms, plan.access_lifetime_ms)
            row = self._rows.get(plan.session_id)
            if row is None:
                self._warn_of_others(plan.session_id)
            fact = rotate(row, plan, now_ms)
            if fact.session is not None:
                self._rows[plan.session_id] = fact.session
            if fact.kind is RotationKind.REUSED:
                self._log.setdefault(("s", plan.session_id), now_ms)
            return fact

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session was revoked or is missing, or the token was revoked."""
        require_encodable(session_id, token_id)
        if self._closed:
            raise StoreUnavailable
        if session_id is not None:
            session = self._rows.get(session_id)
            if session is None:
                self._warn_of_others(session_id)
                return True
            if session.revoked_ms is not None or ("s", session_id) in self._log:
                return True
        return token_id is not None and ("t", token_id) in self._log

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """End a session and log it; `sec_hash`, when given, must be the row's."""
        require_encodable(session_id, reason)
        with self._lock:
            now_ms = self._now_ms()
            session = self._rows.get(session_id)
            if sec_hash is not None and (
                session is None or not compare_digest(session.sec_hash, sec_hash)
            ):
                return RevokeKind.UNKNOWN
            if session is None:
                self._tidy(now_ms)
                self._log.setdefault(("s", session_id), now_ms)
                return RevokeKind.UNKNOWN
            if session.revoked_ms is not None:
                return RevokeKind.ALREADY
            self._revoke([session], now_ms, reason)
            return RevokeKind.REVOKED

    def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """Log one token's `jti` for its life; repeating changes nothing."""
        require_encodable(token_id)
        with self._lock:
            now_ms = self._now_ms()
            self._longest_access_ms = max(self._longest_access_ms, lifetime_ms)
            self._tidy(now_ms)
            self._log.setdefault(("t", token_id), now_ms)

    def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None = None, keep_keys: bool = False
    ) -> int:
        """Raise the subject's epoch, end its sessions and those it opened; how many were live."""
        require_encodable(subject, reason, keep)
        with self._lock:
            now_ms = self._now_ms()
            self._epochs.increment(subject, now_ms)
            opened = {key for key, actor in self._actor_of.items() if actor == subject}
            ids = opened.union(self._ids_of.get(subject, set()) - {keep})
            rows = [self._rows[each] for each in ids]
            ending = [row for row in rows if not (keep_keys and row.kind == "key")]
            return self._revoke(ending, now_ms, reason)

    def revoke_all(self, *, reason: str) -> int:
        """Raise every subject's epoch and end every session; how many live ones ended."""
        require_encodable(reason)
        with self._lock:
            now_ms = self._now_ms()
            self._epochs.increment(None, now_ms)
            return self._revoke(list(self._rows.values()), now_ms, reason)

    def sessions(self, subject: str, *, kind: SessionKind = "session") -> list[Session]:
        """The subject's live sessions of this kind, newest first."""
        require_encodable(subject)
        with self._lock:
            return self._live(subject, self._now_ms(), kind)

    def subject_epoch(self, subject: str) -> int:
        """The subject's epoch, 0 when it was never revoked."""
        return self.last_epoch(subject)[0]

    def last_epoch(self, subject: str) -> tuple[int, int]:
        """The subject's epoch, and when it was incremented last; zeros if it never was."""
        require_encodable(subject)
        with self._lock:
            self._now_ms()
            return self._epochs.last(subject)

    def purge(self) -> int:
        """Remove sessions, tokens, log entries and limits past their retention; how many."""
        with self._lock:
            now_ms = self._now_ms()
            return self._purge(now_ms) + self._purge_tallies(now_ms)

    def close(self) -> None:
        """Reject every operation from now on; closing twice is fine."""
        self._closed = True
        self.watches.close(StoreUnavailable("the store is closed"))

    def _look(self) -> Steps[None]:
        return self.watches.look_up(self.is_revoked)

    def _warn_of_others(self, session_id: str) -> None:
        """Log once that a token was issued over another store than this one."""
        if not self._has_warned and ("s", session_id) not in self._log:
            self._has_warned = True
            _log.warning(_OTHERS)

    def _live(self, subject: str, now_ms: int, kind: SessionKind) -> list[Session]:
        rows = (self._rows[session_id] for session_id in self._ids_of.get(subject, ()))
        live = [session for session in rows if session.is_live(now_ms) and session.kind == kind]
        return sorted(live, key=lambda row: (row.created_ms, row.session_id), reverse=True)

    def _revoke(self, sessions: Iterable[Session], now_ms: int, reason: str) -> int:
        """End these sessions; an expired one too, since `AHEAD` could bring it back."""
        ended = 0
        for session in sessions:
            if session.revoked_ms is not None:
                continue
            ended += session.is_live(now_ms)
            self._log.setdefault(("s", session.session_id), now_ms)
            self._rows[session.session_id] = replace(
                session, revoked_ms=now_ms, reason=reason, recent=()
            )
        return ended

    def _make_room(self, now_ms: int) -> None:
        self._tidy(now_ms)
        if len(self._rows) >= self._max_rows:
            self._purge(now_ms)
        if len(self._rows) >= self._max_rows:
            message = "the memory store is full"
            raise StoreUnavailable(message)
