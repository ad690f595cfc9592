"""What async revocations know without `await`, and how their verdicts are read. Pure."""

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Final, TypeVar

Recall = Callable[[str | None, str | None], bool | None]
"""`is_revoked` without `await`; `None`: only that can tell."""
Method = TypeVar("Method", bound=Callable[..., bool | None])

_MARK: Final = "_gatepass_recalls"


def recalls(is_revoked: Callable[..., Any]) -> Callable[[Method], Method]:
    """Mark a class's `recall_revoked` as what answers as this `is_revoked` of the class would."""

    def mark(method: Method) -> Method:
        vars(method)[_MARK] = is_revoked
        return method

    return mark


def recall_of(revocations: Any) -> Recall:
    """What these revocations can answer without `await`: nothing, unless it is marked.

    The mark names one function. Where `is_revoked` is any other, because a subclass, a wrapper
    or a patch has a rule of its own, that wants to be asked and is.
    """
    method = getattr(type(revocations), "recall_revoked", None)
    asked = getattr(revocations, "is_revoked", None)
    if (
        isinstance(method, FunctionType)
        and isinstance(asked, MethodType)
        and asked.__self__ is revocations
        and vars(method).get(_MARK) is asked.__func__
    ):
        return MethodType(method, revocations)
    return _recall_nothing


def is_refused(verdict: object) -> bool:
    """Whether a verdict of `is_revoked` that is not `False` refuses the token.

    Raises:
        TypeError: It is none at all, as of a method that never returns: nobody is let in by it.
    """
    if verdict is None:
        message = "is_revoked answered None: it has to say True or False"
        raise TypeError(message)
    return bool(verdict)


def _recall_nothing(_session_id: str | None, _token_id: str | None) -> None:
    return None
