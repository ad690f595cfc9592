"""The tables of a memory store, how they are purged, and the opaque tokens in them."""

import dataclasses
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from gatepass.sessions import (
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    Session,
    judge_opaque,
    plan_opaque,
)
from gatepass.sessions.session import LOG_MS, SKEW_MS
from gatepass.sessions.texts import require_encodable
from gatepass.stores.memory.limits import MemoryLimits

_FIRST_PURGE: Final = 1_024


class MemoryOpaque(MemoryLimits):
    """Opaque tokens of one process; expired rows of all tables are removed as they grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._rows: dict[str, Session] = {}
        self._ids_of: dict[str, set[str]] = {}
        self._actor_of: dict[str, str] = {}
        self._opaque: dict[str, OpaqueToken] = {}
        self._log: dict[tuple[str, str], int] = {}
        self._longest_access_ms = 0
        self._purge_at = _FIRST_PURGE

    def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """Record an opaque access token by its hash; `None`: the session is over or unknown."""
        require_encodable(plan.opaque_id, plan.token_id, plan.session_id)
        with self._lock:
            now_ms = self._now_ms()
            if plan.opaque_id in self._opaque:
                message = "the opaque token's hash is in use"
                raise ValueError(message)
            token = plan_opaque(plan, self._rows.get(plan.session_id), now_ms)
            if token is not None:
                self._longest_access_ms = max(self._longest_access_ms, plan.lifetime_ms)
                self._tidy(now_ms)
                self._opaque[plan.opaque_id] = token
            return token

    def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """The store's fact about an opaque access token, revocation included."""
        require_encodable(opaque_id)
        with self._lock:
            now_ms = self._now_ms()
            token = self._opaque.get(opaque_id)
            if token is None:
                return judge_opaque(None, is_revoked=False, now_ms=now_ms)
            session = self._rows.get(token.session.session_id)
            is_revoked = (
                session is None
                or ("t", token.token_id) in self._log
                or ("s", session.session_id) in self._log
            )
            token = token if session is None else dataclasses.replace(token, session=session)
            return judge_opaque(token, is_revoked=is_revoked, now_ms=now_ms)

    def note_use(self, session_id: str) -> None:
        """Set when an API key was last used; nothing happens to one that is over or unknown."""
        require_encodable(session_id)
        with self._lock:
            now_ms = self._now_ms()
            key = self._rows.get(session_id)
            if key is not None and key.kind == "key" and key.is_live(now_ms):
                self._rows[session_id] = replace(key, born_ms=now_ms, last_used_ms=now_ms)

    def _tidy(self, now_ms: int) -> None:
        """Purge now and then, but never before it is known how long tokens live."""
        if self._longest_access_ms and self._held() >= self._purge_at:
            self._purge(now_ms)
            self._purge_at = max(_FIRST_PURGE, 2 * self._held())

    def _held(self) -> int:
        return len(self._rows) + len(self._opaque) + len(self._log)

    def _purge(self, now_ms: int) -> int:
        retention_ms = self._longest_access_ms + SKEW_MS
        gone = [row for row in self._rows.values() if row.ends_ms + retention_ms <= now_ms]
        for row in gone:
            del self._rows[row.session_id]
            self._actor_of.pop(row.session_id, None)
            ids = self._ids_of[row.subject]
            ids.discard(row.session_id)
            if not ids:
                del self._ids_of[row.subject]
        ended = [key for key, one in self._opaque.items() if one.ends_ms + retention_ms <= now_ms]
        for opaque_id in ended:
            del self._opaque[opaque_id]
        log_ms = max(retention_ms, LOG_MS)
        stale = [key for key, at_ms in self._log.items() if at_ms + log_ms <= now_ms]
        for key in stale:
            del self._log[key]
        return len(gone) + len(ended) + len(stale)
