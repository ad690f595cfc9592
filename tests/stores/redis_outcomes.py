"""Every operation of a Redis store at once, and what it came to."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gatepass.errors import StoreUnavailable
from gatepass.sessions import OpaquePlan, Store, new_id, opaque_id
from gatepass.stores.redis import RedisStore
from tests.budget import require_short
from tests.stores.plans import ACCESS_LIFE, log_in, present, sid
from tests.stores.twins import Awaited

LIMIT_S = 2.0
OPAQUE = opaque_id("ada", bytes(32))

READS: dict[str, Callable[[Any], Any]] = {
    "is_revoked": lambda store: store.is_revoked(sid("live"), sid("token")),
    "sessions": lambda store: store.sessions("ada"),
    "subject_epoch": lambda store: store.subject_epoch("ada"),
    "find_opaque": lambda store: store.find_opaque(OPAQUE),
    "purge": lambda store: store.purge(),
}
WRITES: dict[str, Callable[[Any], Any]] = {
    "issue": lambda store: store.issue(log_in()),
    "issue with an epoch": lambda store: store.issue(log_in(epoch=0)),
    "rotate": lambda store: store.rotate(present(sid("live"))),
    "rotate what was reused": lambda store: store.rotate(present(sid("rotated"), leeway=0)),
    "issue_opaque": lambda store: store.issue_opaque(
        OpaquePlan(
            opaque_id=OPAQUE,
            token_id=new_id("ada", bytes(16)),
            session_id=sid("live"),
            lifetime_ms=ACCESS_LIFE,
        )
    ),
    "revoke_session": lambda store: store.revoke_session(sid("live"), reason="log-out"),
    "revoke_token": lambda store: store.revoke_token(sid("token")),
    "revoke_subject": lambda store: store.revoke_subject("ada", reason="log-out"),
    "revoke_all": lambda store: store.revoke_all(reason="log-out"),
}
OPERATIONS = READS | WRITES


def outcomes(store: Store, operations: dict[str, Callable[[Any], Any]]) -> dict[str, object]:
    """What each of the operations, all begun at once, came to; none may take long."""
    twin: Any = store.twin if isinstance(store, Awaited) else store

    async def awaited(operation: Callable[[Any], Any]) -> object:
        try:
            return await operation(twin)
        except StoreUnavailable as error:
            return type(error)

    def called(operation: Callable[[Any], Any]) -> object:
        try:
            return operation(twin)
        except StoreUnavailable as error:
            return type(error)

    async def gathered() -> list[object]:
        return await asyncio.gather(*map(awaited, operations.values()))

    began = time.monotonic()
    if isinstance(store, Awaited):
        answers: list[object] = store._runner.run(gathered())
    else:
        with ThreadPoolExecutor(len(operations)) as threads:
            answers = list(threads.map(called, operations.values()))
    require_short(time.monotonic() - began, LIMIT_S)
    return dict(zip(operations, answers, strict=True))


def every(operations: dict[str, Callable[[Any], Any]]) -> dict[str, object]:
    return dict.fromkeys(operations, StoreUnavailable)


def fill(url: str) -> None:
    store = RedisStore.from_url(url)
    for name in ("live", "rotated"):
        assert store.issue(log_in(session_id=sid(name))) is not None
    store.rotate(present(sid("rotated")))
    store.close()
