"""Stores that tell of what they did, once it is confirmed; a manager with a hook works over one.

1. An event follows the fact: an operation that raises makes none.
2. Of callers that race, one ends a session, and the store says which: that one makes the event.
3. An answer may be lost although the store did its work. The caller repeats, and hears that the
   session has ended already. If this process has a lost answer of its own about that session,
   and has told of no end, the repeat makes the event.
4. Two callers may repeat at once. One ends the session; the other hears that it has ended, and
   may be the first to say so. Then the event is the other's, and the first makes none.
"""

import enum
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from gatepass.events.event import Event, EventKind
from gatepass.events.teller import Teller
from gatepass.sessions import (
    AsyncStore,
    IssuePlan,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    Store,
)

LOG_OUT: Final = "log-out"
"""The reason of a session that its own user ended."""
_KINDS: Final = {
    RotationKind.ROTATED: EventKind.REFRESHED,
    RotationKind.REPLAYED: EventKind.REFRESH_REPLAYED,
    RotationKind.AHEAD: EventKind.SESSION_MOVED_FORWARD,
    RotationKind.REUSED: EventKind.REFRESH_REUSED,
}
_REMEMBERED: Final = 1_024
T = TypeVar("T")


class _Known(enum.Enum):
    """The knowledge of one session's end."""

    IN_DOUBT = enum.auto()
    TOLD = enum.auto()
    TOLD_BY_A_REPEAT = enum.auto()
    """The caller that ended the session may still come."""


class Ends:
    """Which sessions' ends this process told of, and which it does not know for certain."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, bool], _Known] = OrderedDict()
        """By session, and whether a reuse is meant; the newest are last."""

    @contextmanager
    def doubting(self, session_id: str, *, reuse: bool) -> Iterator[None]:
        """A call of the store, whose answer may not come."""
        try:
            yield
        except BaseException:
            key = (session_id, reuse)
            with self._lock:  # an end that was told is never in doubt again
                self._note(key, self._known.get(key, _Known.IN_DOUBT))
            raise

    def is_news(self, session_id: str, *, reuse: bool, now: bool) -> bool:
        """Whether to tell of this end, which was `now` or earlier."""
        key = (session_id, reuse)
        with self._lock:
            known = self._known.get(key)
            if now:
                self._note(key, _Known.TOLD)
                return known is not _Known.TOLD_BY_A_REPEAT
            if known is _Known.IN_DOUBT:
                self._note(key, _Known.TOLD_BY_A_REPEAT)
            return known is _Known.IN_DOUBT

    def _note(self, key: tuple[str, bool], known: _Known) -> None:
        """Keep it, behind the lock."""
        self._known[key] = known
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


class _Facts:
    """Facts in, events out; `None` where nothing is to be told. Everything else is the store's."""

    def __init__(self, store: Any, teller: Teller) -> None:
        self._store = store
        self._teller = teller
        self._ends = Ends()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def _issued(self, session: Session | None) -> Event | None:
        if session is None:
            return None
        if session.kind == "key":
            return self._of(EventKind.API_KEY_ISSUED, session, session.device)
        kind = EventKind.LOGGED_IN if session.auth_time else EventKind.MOVED_IN
        return self._of(kind, session, session.device)

    def _rotated(self, plan: RotationPlan, fact: RotationFact) -> Event | None:
        kind, now = _KINDS.get(fact.kind), fact.kind is RotationKind.REUSED
        session = fact.session
        earlier = session is not None and session.reason == "reuse"
        if now or (fact.kind is RotationKind.REVOKED and earlier):
            is_news = self._ends.is_news(plan.session_id, reuse=True, now=now)
            kind = EventKind.REFRESH_REUSED if is_news else None
        return None if kind is None or session is None else self._of(kind, session)

    def _revoked(self, session_id: str, reason: str, kind: RevokeKind) -> Event | None:
        now = kind is RevokeKind.REVOKED
        if not now and kind is not RevokeKind.ALREADY:
            return None
        if not self._ends.is_news(session_id, reuse=False, now=now):
            return None
        told = EventKind.LOGGED_OUT if reason == LOG_OUT else EventKind.SESSION_REVOKED
        return self._teller.make(told, session_id=session_id, reason=reason)

    def _of(self, kind: EventKind, session: Session, device: str | None = None) -> Event:
        return self._teller.make(
            kind,
            subject=session.subject,
            session_id=session.session_id,
            client_id=session.client_id,
            device=device,
        )


class TellingStore(_Facts):
    """A store and the hook that hears of its changes."""

    _store: Store

    def issue(self, plan: IssuePlan) -> Session | None:
        """See `Store.issue`."""
        session = self._store.issue(plan)
        return self._after(session, self._issued(session))

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `Store.rotate`."""
        with self._ends.doubting(plan.session_id, reuse=True):
            fact = self._store.rotate(plan)
        return self._after(fact, self._rotated(plan, fact))

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `Store.revoke_session`."""
        with self._ends.doubting(session_id, reuse=False):
            kind = self._store.revoke_session(session_id, reason=reason, sec_hash=sec_hash)
        return self._after(kind, self._revoked(session_id, reason, kind))

    def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `Store.revoke_token`."""
        self._store.revoke_token(token_id, lifetime_ms=lifetime_ms)
        self._teller.tell(self._teller.make(EventKind.TOKEN_REVOKED, reason=token_id))

    def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None = None, keep_keys: bool = False
    ) -> int:
        """See `Store.revoke_subject`."""
        ended = self._store.revoke_subject(subject, reason=reason, keep=keep, keep_keys=keep_keys)
        event = self._teller.make(EventKind.SUBJECT_REVOKED, subject=subject, reason=reason)
        return self._after(ended, event)

    def revoke_all(self, *, reason: str) -> int:
        """See `Store.revoke_all`."""
        ended = self._store.revoke_all(reason=reason)
        return self._after(ended, self._teller.make(EventKind.EVERYBODY_REVOKED, reason=reason))

    def _after(self, fact: T, event: Event | None) -> T:
        if event is not None:
            self._teller.tell(event)
        return fact


class AsyncTellingStore(_Facts):
    """`TellingStore` for `await`."""

    _store: AsyncStore

    async def issue(self, plan: IssuePlan) -> Session | None:
        """See `Store.issue`."""
        session = await self._store.issue(plan)
        return await self._after(session, self._issued(session))

    async def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `Store.rotate`."""
        with self._ends.doubting(plan.session_id, reuse=True):
            fact = await self._store.rotate(plan)
        return await self._after(fact, self._rotated(plan, fact))

    async def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `Store.revoke_session`."""
        with self._ends.doubting(session_id, reuse=False):
            kind = await self._store.revoke_session(session_id, reason=reason, sec_hash=sec_hash)
        return await self._after(kind, self._revoked(session_id, reason, kind))

    async def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `Store.revoke_token`."""
        await self._store.revoke_token(token_id, lifetime_ms=lifetime_ms)
        await self._teller.atell(self._teller.make(EventKind.TOKEN_REVOKED, reason=token_id))

    async def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None = None, keep_keys: bool = False
    ) -> int:
        """See `Store.revoke_subject`."""
        ended = await self._store.revoke_subject(
            subject, reason=reason, keep=keep, keep_keys=keep_keys
        )
        event = self._teller.make(EventKind.SUBJECT_REVOKED, subject=subject, reason=reason)
        return await self._after(ended, event)

    async def revoke_all(self, *, reason: str) -> int:
        """See `Store.revoke_all`."""
        ended = await self._store.revoke_all(reason=reason)
        event = self._teller.make(EventKind.EVERYBODY_REVOKED, reason=reason)
        return await self._after(ended, event)

    async def _after(self, fact: T, event: Event | None) -> T:
        if event is not None:
            await self._teller.atell(event)
        return fact
