"""What the scripts' answers mean; pure.

Each raises `StoreUnavailable` for an answer that no script of ours gives: it came from something
else, or was made of a key that somebody else has written to.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

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

P = ParamSpec("P")
T = TypeVar("T")


class InUse(ValueError):
    """An id is another's; it is the caller's mistake, not the server's."""


def reading(read: Callable[P, T]) -> Callable[P, T]:
    """Have what makes no sense of an answer be the server's failure, without a word of its."""

    @wraps(read)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except InUse:
            raise
        except (TypeError, ValueError, AttributeError, LookupError):
            pass  # it quotes the answer
        raise StoreUnavailable(DAMAGED)

    return guarded


_ROTATION: Final = {kind.value.encode(): kind for kind in RotationKind}
_REVOKE: Final = {kind.value.encode(): kind for kind in RevokeKind}


@reading
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


@reading
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
        case b"in use":
            message = "the session id is in use"
            raise InUse(message)
        case _:
            raise StoreUnavailable(DAMAGED)


@reading
def rotated(plan: RotationPlan, answer: Sequence[Any]) -> RotationFact:
    """The fact, with the row as it is afterwards."""
    kind = _ROTATION[answer[0]]
    if kind is RotationKind.UNKNOWN:
        return RotationFact(kind=kind)
    return RotationFact(kind=kind, session=session_of(plan.session_id, answer[1]))


@reading
def revoked(answer: Sequence[Any]) -> RevokeKind:
    """What became of the session."""
    return _REVOKE[answer[0]]


@reading
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
        case b"in use":
            message = "the opaque token's hash is in use"
            raise InUse(message)
        case _:
            raise StoreUnavailable(DAMAGED)


@reading
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


@reading
def listed(answer: Sequence[Any]) -> list[Session]:
    """The sessions, in the order in which they came."""
    return [session_of(_text(session_id), row) for session_id, row in answer]


@reading
def number(answer: Any) -> int:
    """A count or an epoch."""
    return answer if answer.__class__ is int else _number(answer)


@reading
def ended(answer: Any) -> tuple[int, int]:
    """How many sessions a script ended, and how many are left for it to end."""
    count, left = answer if isinstance(answer, list) else (answer, 0)
    return number(count), number(left)


@reading
def yes_or_no(answer: Any) -> bool:
    """Nothing but 0 is a no: a no lets somebody in."""
    return {0: False, 1: True}[answer]


def _text(value: bytes) -> str:
    return value.decode()


def _number(value: bytes) -> int:
    if not isinstance(value, bytes):
        raise TypeError
    return int(value)
