"""What verifiers and managers expect of stores and revocations, told before a request (pure)."""

from collections.abc import Callable
from typing import Any, Final

Recall = Callable[[str | None, str | None], bool | None]
"""`is_revoked` without `await`; `None`: it must be awaited."""

_ASYNC: Final = "Async"


def require_twin(part: object, *, is_async: bool) -> None:
    """Refuse what does not work like its owner, sync or async.

    Raises:
        TypeError: It does not; the sentence says what does.
    """
    if getattr(part, "is_async", None) is is_async and not isinstance(part, type):
        return
    kind = "an async" if is_async else "a sync"
    hint = _hint(part, is_async=is_async)
    message = f"{type(part).__name__} is not {kind} store or source of revocations{hint}"
    raise TypeError(message)


def recall_of(revocations: Any) -> Recall:
    """What these revocations can answer without `await`: nothing, unless they say so themselves.

    Only a class that defines `is_revoked` is taken at its word: whoever overrides, wraps or
    replaces that of another class wants to be asked.
    """
    if "is_revoked" in getattr(revocations, "__dict__", ()):
        return _recall_nothing
    kinds = (kind for kind in type(revocations).__mro__ if "is_revoked" in vars(kind))
    if "recall_revoked" not in vars(next(kinds, object)):
        return _recall_nothing
    recall: Recall = revocations.recall_revoked
    return recall


def _recall_nothing(_session_id: str | None, _token_id: str | None) -> None:
    return None


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
    return ""
