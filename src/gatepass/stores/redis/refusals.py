"""Error replies that pass, and those that last. Their text may name keys, so none is quoted."""

from typing import Any, Final

from redis.exceptions import (
    AskError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.wire import Lost

_PASSING: Final = (ReadOnlyError, ClusterDownError, TryAgainError, AskError)
_PASSING_WORD: Final = "UNBLOCKED"
"""A primary that became a replica sends this to clients that `WAIT`."""
_MOVING: Final = "access a non local key"
"""A script met a key that is being moved to another cluster member, and stopped there."""
_SENTENCES: Final = {
    "OOM": "Redis is out of memory: raise maxmemory",
    "NOREPLICAS": "Redis has fewer good replicas than min-replicas-to-write, and takes no writes",
    "MISCONF": "Redis cannot write to its disk, and takes no writes",
    "NOPERM": "Redis does not let this user do that: see its ACL",
    "BUSY": "Redis is busy with somebody's script",
}
_CODES: Final = {OutOfMemoryError: "OOM", NoPermissionError: "NOPERM"}
"""redis-py takes the code away from the text of these."""
_BY_ACL: Final = "ACL failure"
"""The same as `NOPERM`, from inside a script."""


def raise_refusal(reply: Any) -> None:
    """Raise if the reply is an error.

    Raises:
        StoreUnavailable: The error lasts.
        Lost: The error passes, or another server may not have it.
    """
    if not isinstance(reply, ResponseError):
        return
    text, kind = str(reply), type(reply).__name__
    is_passing = isinstance(reply, _PASSING) or text.partition(" ")[0] == _PASSING_WORD
    if is_passing or _MOVING in text:
        raise Lost(f"the server is not the one to ask now ({kind})")
    code = "NOPERM" if _BY_ACL in text else _CODES.get(type(reply), text.partition(" ")[0])
    sentence = _SENTENCES.get(code)
    raise StoreUnavailable(sentence or f"Redis rejected the command ({kind})")


def is_forbidden(reply: Any) -> bool:
    """Whether the command is forbidden to this user, or to all."""
    return isinstance(reply, ResponseError) and (
        isinstance(reply, NoPermissionError) or "unknown command" in str(reply)
    )
