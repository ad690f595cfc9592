"""Every operation of a store at once, and what each came to."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Bucket, Session
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import PATIENCE_S, require_short
from tests.stores.plans import DAY, key, log_in, opaque, present, sid
from tests.stores.twins import Awaited

LIMIT_S = 2.5
BUCKET = Bucket(key=bytes(16), limit=1_000_000, window_ms=DAY)
LIVE, ROTATED, REVOKED = sid("live"), sid("rotated"), sid("revoked")

Operations = dict[str, Callable[[Any], Any]]
READS: Operations = {
    "is_revoked": lambda store: store.is_revoked(LIVE, sid("token")),
    "is_revoked, once more": lambda store: store.is_revoked(REVOKED, None),
    "sessions": lambda store: store.sessions("ada"),
    "subject_epoch": lambda store: store.subject_epoch("ada"),
    "last_epoch": lambda store: store.last_epoch("ada"),
    "find_opaque": lambda store: store.find_opaque(sid("00")),
}
WRITES: Operations = {
    "issue": lambda store: store.issue(log_in()),
    "issue and give back": lambda store: store.issue(replace(log_in(), give_back=(BUCKET,))),
    "issue a key": lambda store: store.issue(key()),
    "note_use": lambda store: store.note_use(sid("live")),
    "issue with an epoch": lambda store: store.issue(log_in(epoch=0)),
    "rotate": lambda store: store.rotate(present(LIVE)),
    "rotate with longer tokens": lambda store: store.rotate(present(LIVE, access_life=10**9)),
    "rotate what was reused": lambda store: store.rotate(present(ROTATED, leeway=0)),
    "issue_opaque": lambda store: store.issue_opaque(opaque(LIVE)),
    "take": lambda store: store.take([BUCKET]),
    "give_back": lambda store: store.give_back([BUCKET]),
    "revoke_session": lambda store: store.revoke_session(LIVE, reason="log-out"),
    "revoke_token": lambda store: store.revoke_token(sid("token")),
    "revoke_subject": lambda store: store.revoke_subject("ada", reason="log-out"),
    "revoke_all": lambda store: store.revoke_all(reason="log-out"),
}
PURGE: Operations = {"purge": lambda store: store.purge()}
"""It writes to a table; Redis needs none, and is merely asked."""
OPERATIONS = READS | WRITES | PURGE


def store_of(url: str) -> Any:
    """A blocking store."""
    return RedisStore.from_url(url) if url.startswith("redis") else SqlStore.from_url(url)


def async_store_of(url: str) -> Any:
    """One that is awaited."""
    return (AsyncRedisStore if url.startswith("redis") else AsyncSqlStore).from_url(url)


def fill(url: str) -> None:
    """Have a live, a rotated and a revoked session in a database, and an attempt."""
    store = store_of(url)
    for session_id in (LIVE, ROTATED, REVOKED):
        assert store.issue(log_in(session_id=session_id)) is not None
    store.rotate(present(ROTATED))
    store.revoke_session(REVOKED, reason="log-out")
    store.take([BUCKET])
    store.close()


def attempt(operation: Callable[[Any], Any], store: Any) -> object:
    """An answer, or the outage's type."""
    try:
        return operation(store)
    except StoreUnavailable as error:
        return type(error)


def outcomes(store: Any, operations: Operations) -> dict[str, object]:
    """What each of the operations, all begun at once, came to; none may take long."""

    async def awaited(operation: Callable[[Any], Any]) -> object:
        try:
            return await asyncio.wait_for(operation(store.twin), PATIENCE_S)
        except StoreUnavailable as error:
            return type(error)

    async def gathered() -> list[object]:
        return await asyncio.gather(*map(awaited, operations.values()))

    began = time.monotonic()
    if isinstance(store, Awaited):
        answers: list[object] = store.runner.run(gathered())
    else:
        with ThreadPoolExecutor(len(operations)) as threads:
            answers = list(threads.map(lambda one: attempt(one, store), operations.values()))
    require_short(time.monotonic() - began, LIMIT_S)
    return dict(zip(operations, answers, strict=True))


def require_unavailable(store: Any, operations: Operations) -> None:
    """All of them have to be outages."""
    said = outcomes(store, operations)
    answered = {name: one for name, one in said.items() if one is not StoreUnavailable}
    assert not answered, answered


def require_answers(store: Any, operations: Operations) -> None:
    """None of them may be an outage."""
    said = outcomes(store, operations)
    missing = [name for name, one in said.items() if one is StoreUnavailable]
    assert not missing, missing


def require_healed(store: Any) -> None:
    """Sooner or later everything is answered again, and what was revoked is revoked."""
    until = time.monotonic() + PATIENCE_S
    while StoreUnavailable in outcomes(store, OPERATIONS).values():
        assert time.monotonic() < until
    assert outcomes(store, READS)["is_revoked, once more"] is True


def used(store: Any) -> Any:
    """The store, after it opened its connections."""
    answers = outcomes(store, READS)
    assert answers["is_revoked"] is False
    assert answers["is_revoked, once more"] is True
    require_answers(store, {"write": lambda store: store.revoke_token("before")})
    return store


def require_honest_when_full(store: Any, claims: bytes = b"{}") -> None:
    """Log in until there is no room: what was confirmed is there."""
    confirmed: list[str] = []
    for number in range(2_000):
        plan = log_in(f"subject {number}", claims=claims)
        answer = attempt(lambda store: store.issue(plan), store)  # noqa: B023
        if not isinstance(answer, Session):
            break
        confirmed.append(answer.session_id)

    assert answer is StoreUnavailable
    assert len(confirmed) > 0
    assert not any(store.is_revoked(session_id, None) for session_id in confirmed)
