"""`Timed`: a store whose operations are counted and timed, with nothing added to a lookup."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

from prometheus_client import Counter, Histogram

from gatepass.errors import StoreUnavailable

OPERATIONS: Final = (
    "issue",
    "rotate",
    "issue_opaque",
    "revoke_session",
    "revoke_token",
    "revoke_subject",
    "revoke_all",
    "sessions",
    "note_use",
    "subject_epoch",
    "last_epoch",
    "purge",
    "take",
    "give_back",
)
"""Every operation but `is_revoked` and `find_opaque`, which verify asks."""


class Timed:
    """Everything of a store; refers to it, and it refers to nothing of this."""

    def __init__(self, store: Any, seconds: Histogram, failures: Counter) -> None:
        self._store = store
        wrap = _awaited if store.is_async else _blocking
        for name in OPERATIONS:
            call = getattr(store, name)
            setattr(self, name, wrap(call, seconds.labels(name), failures.labels(name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def _blocking(call: Callable[..., Any], seconds: Histogram, failures: Counter) -> Any:
    @wraps(call)
    def timed(*args: Any, **kwargs: Any) -> Any:
        with failures.count_exceptions(StoreUnavailable), seconds.time():
            return call(*args, **kwargs)

    return timed


def _awaited(call: Callable[..., Awaitable[Any]], seconds: Histogram, failures: Counter) -> Any:
    @wraps(call)
    async def timed(*args: Any, **kwargs: Any) -> Any:
        with failures.count_exceptions(StoreUnavailable), seconds.time():
            return await call(*args, **kwargs)

    return timed
