"""The rotation table as one pure function: a session and a presented generation in, a fact out.

A generation is a counter. Refresh tokens are not rows: the session knows which generation
can be spent, and for a few seconds which ones were superseded just now.
"""

import enum
import hmac
from typing import assert_never

from msgspec.structs import replace

from gatepass.sessions.record import Record
from gatepass.sessions.session import Session

MAX_RECENT = 8
MAX_AHEAD = 64


class RotationKind(enum.Enum):
    """What became of a presented refresh token."""

    ROTATED = "rotated"
    """It was the current generation; the next one was born."""
    REPLAYED = "replayed"
    """Superseded moments ago: answer with the current generation again, nothing changed."""
    AHEAD = "ahead"
    """Newer than the store's: the store lost acknowledged writes and was moved forward."""
    REUSED = "reused"
    """Superseded earlier: the session was revoked in this very step."""
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    """No row, another secret, or too far ahead; nothing changed."""


class RotationPlan(Record, frozen=True, kw_only=True):
    """What a store is asked to do with a verified refresh token."""

    _private = frozenset({"sec_hash", "claims_json"})

    session_id: str
    generation: int
    sec_hash: bytes
    claims_json: bytes | None = None
    """Replaces the session's claims on `ROTATED` and `AHEAD`; `None` keeps them."""
    leeway_ms: int
    refresh_lifetime_ms: int
    access_lifetime_ms: int
    """Tells the store how long the access tokens of this rotation live at most."""


class RotationFact(Record, frozen=True, kw_only=True):
    """What the store did; `session` is the row afterwards, `None` for `UNKNOWN`."""

    kind: RotationKind
    session: Session | None = None


def rotate(session: Session | None, plan: RotationPlan, now_ms: int) -> RotationFact:
    """Decide a rotation; the caller holds the session's lock and writes `fact.session` back.

    Only `ROTATED`, `AHEAD` and `REUSED` change the session.
    """
    kind = _decide(session, plan, now_ms)
    if session is None:
        return RotationFact(kind=kind)
    match kind:
        case RotationKind.ROTATED | RotationKind.AHEAD:
            return RotationFact(kind=kind, session=_advance(session, plan, now_ms))
        case RotationKind.REUSED:
            ended = replace(session, revoked_ms=now_ms, reason="reuse", recent=())
            return RotationFact(kind=kind, session=ended)
        case RotationKind.REPLAYED | RotationKind.REVOKED | RotationKind.EXPIRED:
            return RotationFact(kind=kind, session=session)
        case RotationKind.UNKNOWN:
            return RotationFact(kind=kind)
        case _:
            assert_never(kind)


def _decide(session: Session | None, plan: RotationPlan, now_ms: int) -> RotationKind:
    """The rotation table, first match wins."""
    if session is None or not hmac.compare_digest(session.sec_hash, plan.sec_hash):
        return RotationKind.UNKNOWN
    if session.revoked_ms is not None:
        return RotationKind.REVOKED
    if plan.generation > session.generation + MAX_AHEAD:
        return RotationKind.UNKNOWN
    if now_ms >= session.ends_ms:
        return RotationKind.EXPIRED
    if plan.generation > session.generation:  # before idle expiry: the lost write slid it
        return RotationKind.AHEAD
    if now_ms >= session.idle_ends_ms:
        return RotationKind.EXPIRED
    if plan.generation == session.generation:
        return RotationKind.ROTATED
    if _is_recent(session, plan, now_ms):
        return RotationKind.REPLAYED
    return RotationKind.REUSED


def _is_recent(session: Session, plan: RotationPlan, now_ms: int) -> bool:
    """Whether the presented generation was superseded inside the leeway.

    The distance counts both ways, so a clock set back cannot stretch the leeway.
    """
    return plan.leeway_ms > 0 and any(
        generation == plan.generation and abs(now_ms - at_ms) <= plan.leeway_ms
        for generation, at_ms in session.recent
    )


def _advance(session: Session, plan: RotationPlan, now_ms: int) -> Session:
    """The session one generation on."""
    recent: list[tuple[int, int]] = []
    if plan.leeway_ms > 0:
        leeway_ms = plan.leeway_ms
        recent = [pair for pair in session.recent if abs(now_ms - pair[1]) <= leeway_ms]
        recent.append((plan.generation, now_ms))
    return replace(
        session,
        generation=plan.generation + 1,
        born_ms=now_ms,
        last_used_ms=now_ms,
        idle_ends_ms=min(now_ms + plan.refresh_lifetime_ms, session.ends_ms),
        claims_json=session.claims_json if plan.claims_json is None else plan.claims_json,
        recent=tuple(recent[-MAX_RECENT:]),
    )
