"""Rejects a sync store for an async manager, and the reverse, at construction (pure)."""

from inspect import iscoroutinefunction


def require_twin(part: object, *, is_async: bool) -> None:
    """Reject a store or a source of revocations that its owner could not call.

    Raises:
        TypeError: `part.is_async` is not `is_async`, or `part` has no `is_revoked` of that kind.
    """
    if getattr(part, "is_async", None) is is_async and not isinstance(part, type):
        _require_check(part, is_async=is_async)
        return
    kind = "an async" if is_async else "a sync"
    given = type(part).__name__
    message = f"{given} is not {kind} store or source of revocations with is_async = {is_async}"
    raise TypeError(message)


def is_coroutine_function(function: object) -> bool:
    """Whether a call would have to be awaited, also of an object that is called."""
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - its kind counts


def _require_check(part: object, *, is_async: bool) -> None:
    """Reject a part that would fail at every request, or reject every token."""
    check, name = getattr(part, "is_revoked", None), type(part).__name__
    if not callable(check):
        message = f"{name} has no is_revoked(session_id, token_id)"
        raise TypeError(message)
    if iscoroutinefunction(check) and not is_async:
        message = f"the is_revoked of {name} is a coroutine function: it is is_async = True"
        raise TypeError(message)
