"""What the scripts' answers mean; pure."""

from collections.abc import Sequence
from typing import Any, Final

from gatepass.errors import StoreUnavailable
from gatepass.sessions import (
    IssuePlan,
    OpaqueFact,
    OpaqueKind,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    judge_opaque,
    plan_session,
)
from gatepass.stores.redis.layout import DAMAGED, session_of

_ROTATION: Final = {kind.value.encode(): kind for kind in RotationKind}
_REVOKE: Final = {kind.value.encode(): kind for kind in RevokeKind}


def needs_confirmation(name: str, answer: Any) -> bool:
    """Whether this answer acknowledges a change that has to be durable."""
    match name:
        case "issue":
            return bool(answer[0] == b"issued")
        case "rotate":
            return bool(answer[0] == b"reused")
        case "revoke_session":
            return bool(answer[1])
        case _:
            return True


def issued(plan: IssuePlan, answer: Sequence[Any]) -> Session | None:
    """The session, or `None` for another epoch.

    Raises:
        ValueError: The session id is in use.
    """
    match answer[0]:
        case b"issued":
            return plan_session(plan, _number(answer[1]))
        case b"epoch":
            return None
        case _:
            message = "the session id is in use"
            raise ValueError(message)


def rotated(plan: RotationPlan, answer: Sequence[Any]) -> RotationFact:
    """The fact, with the row as it is afterwards."""
    kind = _ROTATION[answer[0]]
    if kind is RotationKind.UNKNOWN:
        return RotationFact(kind=kind)
    return RotationFact(kind=kind, session=session_of(plan.session_id, answer[1]))


def revoked(answer: Sequence[Any]) -> RevokeKind:
    """What became of the session."""
    return _REVOKE[answer[0]]


def opaque_issued(plan: OpaquePlan, answer: Sequence[Any]) -> OpaqueToken | None:
    """The token, or `None` when its session is over.

    Raises:
        ValueError: The hash is in use.
    """
    match answer[0]:
        case b"issued":
            return OpaqueToken(
                token_id=plan.token_id,
                issued_ms=_number(answer[1]),
                ends_ms=_number(answer[2]),
                session=session_of(plan.session_id, answer[3]),
            )
        case b"over":
            return None
        case _:
            message = "the opaque token's hash is in use"
            raise ValueError(message)


def opaque_found(answer: Sequence[Any]) -> OpaqueFact:
    """The fact about an opaque token."""
    now_ms = _number(answer[0])
    if len(answer) == 1:
        return judge_opaque(None, is_revoked=False, now_ms=now_ms)
    _, token_id, session_id, issued_ms, ends_ms, is_logged, row = answer
    if not row:  # expired, or lost with a primary
        is_over = now_ms >= _number(ends_ms)
        return OpaqueFact(kind=OpaqueKind.EXPIRED if is_over else OpaqueKind.REVOKED)
    token = OpaqueToken(
        token_id=_text(token_id),
        issued_ms=_number(issued_ms),
        ends_ms=_number(ends_ms),
        session=session_of(_text(session_id), row),
    )
    return judge_opaque(token, is_revoked=bool(is_logged), now_ms=now_ms)


def listed(answer: Sequence[Any]) -> list[Session]:
    """The sessions, in the order in which they came."""
    return [session_of(_text(session_id), row) for session_id, row in answer]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise StoreUnavailable(DAMAGED) from error


def _number(value: bytes) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise StoreUnavailable(DAMAGED) from error
