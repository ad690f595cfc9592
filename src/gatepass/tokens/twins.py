"""Stores and revocations of the other twin's kind, told before the first request (pure)."""

from inspect import iscoroutinefunction
from typing import Final

_ASYNC: Final = "Async"


def require_twin(part: object, *, is_async: bool) -> None:
    """Refuse what does not work like its owner, sync or async.

    Raises:
        TypeError: It does not; the sentence says what does.
    """
    if getattr(part, "is_async", None) is is_async and not isinstance(part, type):
        _require_check(part, is_async=is_async)
        return
    kind = "an async" if is_async else "a sync"
    hint = _hint(part, is_async=is_async)
    message = f"{type(part).__name__} is not {kind} store or source of revocations{hint}"
    raise TypeError(message)


def _require_check(part: object, *, is_async: bool) -> None:
    """Refuse what would fail at every request, or refuse every token."""
    check, name = getattr(part, "is_revoked", None), type(part).__name__
    if not callable(check):
        message = f"{name} has no is_revoked(session_id, token_id)"
        raise TypeError(message)
    if iscoroutinefunction(check) and not is_async:
        message = f"the is_revoked of {name} is a coroutine function: it is is_async = True"
        raise TypeError(message)


def _hint(part: object, *, is_async: bool) -> str:
    """What to give instead; a text is not repeated, it may hold a password."""
    prefix = _ASYNC if is_async else ""
    if isinstance(part, str):
        name = "RedisStore" if part.startswith("redis") else "SqlStore"
        return f": open the database with {prefix}{name}.from_url(…)"
    if isinstance(part, type):
        return f": call {part.__name__} to make one"
    if type(part).__module__.startswith("gatepass.") and hasattr(part, "is_async"):
        return f": use {prefix}{type(part).__name__.removeprefix(_ASYNC)}"
    if not hasattr(part, "is_async") and hasattr(part, "is_revoked"):
        return f": where it is one, its class says so by is_async = {is_async}"
    return ""
