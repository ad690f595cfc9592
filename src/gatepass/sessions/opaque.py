"""Opaque access tokens as a store keeps them: by hash, beside the session they came from. Pure.

An opaque token carries no claims, so that every check reads the store. A leaked database gives
no token away. The revocation log needs an entry only for a single token that was revoked.
"""

import enum
from dataclasses import dataclass, field

from gatepass.sessions.session import Session, partition_digits


def opaque_id(subject: str, token_hash: bytes) -> str:
    """The key of an opaque token in a store: partition digits, then its text's hash, all hex.

    The token itself carries the digits, because its bearer names no subject.
    """
    return partition_digits(subject) + token_hash.hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaquePlan:
    """The opaque access token that a store is to record."""

    opaque_id: str = field(repr=False)
    """`opaque_id` of the session's subject and the SHA-256 of the token's text."""
    token_id: str
    """Its `jti`, by which it can be revoked."""
    session_id: str
    lifetime_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueToken:
    """An opaque access token that was issued; times are the store's, in milliseconds."""

    token_id: str
    issued_ms: int
    ends_ms: int
    """Never after the session's absolute end."""
    session: Session


class OpaqueKind(enum.Enum):
    """The state of a presented opaque token."""

    LIVE = "live"
    EXPIRED = "expired"
    """The token's own end has passed; known for as long as the log is kept."""
    REVOKED = "revoked"
    """The token or its session was revoked, or its session is gone."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueFact:
    """The state of an opaque token.

    `token` is there for every kind but `UNKNOWN`, as long as the session's row is: an expired
    token still says which session to end.
    """

    kind: OpaqueKind
    token: OpaqueToken | None = None


def plan_opaque(plan: OpaquePlan, session: Session | None, now_ms: int) -> OpaqueToken | None:
    """The token that a store records at this moment; `None`: its session is over or unknown.

    A session past its idle end may still get one: idleness stops refreshing, nothing else.
    """
    if session is None or session.revoked_ms is not None or now_ms >= session.ends_ms:
        return None
    return OpaqueToken(
        token_id=plan.token_id,
        issued_ms=now_ms,
        ends_ms=min(now_ms + plan.lifetime_ms, session.ends_ms),
        session=session,
    )


def key_token(session: Session) -> OpaqueToken:
    """The token of an API key, recorded with its session; both have one id and one end."""
    return OpaqueToken(
        token_id=session.session_id,
        issued_ms=session.created_ms,
        ends_ms=session.ends_ms,
        session=session,
    )


def judge_opaque(token: OpaqueToken | None, *, is_revoked: bool, now_ms: int) -> OpaqueFact:
    """The fact about a recorded token, in the order of checks: known, `exp`, revocation."""
    if token is None:
        return OpaqueFact(kind=OpaqueKind.UNKNOWN)
    if now_ms >= token.ends_ms:
        return OpaqueFact(kind=OpaqueKind.EXPIRED, token=token)
    if is_revoked or token.session.revoked_ms is not None:
        return OpaqueFact(kind=OpaqueKind.REVOKED, token=token)
    return OpaqueFact(kind=OpaqueKind.LIVE, token=token)
