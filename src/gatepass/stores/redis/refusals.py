"""Servers' refusals: which pass, which last, and none of their words, which may name keys."""

from typing import Any, Final

from redis.exceptions import (
    AskError,
    ClusterDownError,
    NoPermissionError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.wire import Lost

_PASSING: Final = (ReadOnlyError, ClusterDownError, TryAgainError, AskError)
_PASSING_WORD: Final = "UNBLOCKED"
"""A primary that became a replica says so to those who `WAIT`."""
_MOVING: Final = "access a non local key"
"""A script came to a key that is being moved to another member of a cluster, and stopped there."""


def raise_refusal(reply: Any) -> None:
    """Pass on a reply unless it is an error.

    Raises:
        StoreUnavailable: An error that lasts.
        Lost: One that passes, or that another server would not answer with.
    """
    if not isinstance(reply, ResponseError):
        return
    text, kind = str(reply), type(reply).__name__
    is_passing = isinstance(reply, _PASSING) or text.partition(" ")[0] == _PASSING_WORD
    if is_passing or _MOVING in text:
        raise Lost(f"the server is not the one to ask now ({kind})")
    raise StoreUnavailable(f"Redis refused ({kind})")


def is_forbidden(reply: Any) -> bool:
    """Whether the user may not give this command, or nobody may."""
    return isinstance(reply, ResponseError) and (
        isinstance(reply, NoPermissionError) or "unknown command" in str(reply)
    )
