"""An answer is lost, something else happens, and the operation is repeated: attacks on the gap."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import (
    OpaqueKind,
    RevokeKind,
    RotationKind,
    Store,
)
from tests.servers.postgres import shared_server
from tests.servers.proxy import Proxy, proxy_to
from tests.servers.redis_sets import running
from tests.stores.plans import key, log_in, opaque, present, sid
from tests.stores.postgres_backend import empty_url
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner, sql_store

KINDS = ("postgres", "redis 7", "redis 8", "valkey")
LIVE = sid("live")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def direct(kind: str) -> str:
    """The URL of the emptied server."""
    if kind == "postgres":
        return empty_url()
    running(kind).flush()
    return running(kind).url


@pytest.fixture
def other(direct: str) -> Iterator[Store]:
    """Somebody else's store, whose answers come."""
    with Runner() as runner:
        store = _store(direct, "sync", runner)
        store.issue(log_in(session_id=LIVE))
        yield store
        store.close()


@pytest.fixture
def proxy(kind: str) -> Iterator[Proxy]:
    server = shared_server() if kind == "postgres" else running(kind).servers[0]
    with proxy_to(server.port) as proxy:
        yield proxy


@pytest.fixture
def store(
    kind: str, direct: str, other: Store, proxy: Proxy, twin: str, runner: Runner
) -> Iterator[Store]:
    """A store behind the proxy, after each of its statements was prepared once."""
    del other
    port = shared_server().port if kind == "postgres" else running(kind).servers[0].port
    store = _store(direct.replace(f":{port}", f":{proxy.port}"), twin, runner)
    store.issue(log_in("bob", session_id=sid("first", "bob")))
    store.issue_opaque(opaque(sid("first", "bob"), "bob"))
    store.issue(key("bob"))
    store.rotate(present(sid("first", "bob")))
    store.rotate(present(sid("first", "bob")))
    store.revoke_session(sid("first", "bob"), reason="log-out")
    yield store
    store.close()


def _store(url: str, twin: str, runner: Runner) -> Store:
    if url.startswith("postgres"):
        return sql_store(twin, runner, url)
    return redis_store_at(url, twin, runner)


ENDINGS: dict[str, Callable[[Any], object]] = {
    "its session": lambda store: store.revoke_session(sid("new"), reason="log-out"),
    "its subject": lambda store: store.revoke_subject("ada", reason="password changed"),
    "everybody": lambda store: store.revoke_all(reason="restore"),
    "the limit": lambda store: store.issue(log_in(session_id=sid("newer"), max_sessions=1)),
}


@pytest.mark.parametrize("what", ENDINGS)
def test_a_log_in_that_ended_while_its_answer_was_lost_is_not_handed_out(
    store: Store, other: Store, proxy: Proxy, what: str
) -> None:
    plan = log_in(session_id=sid("new"))
    proxy.meanwhile = lambda: ENDINGS[what](other)
    proxy.swallow_replies(1)

    assert store.issue(plan) is None
    assert other.is_revoked(sid("new"), None)


def test_a_key_whose_answer_was_lost_is_issued_once(
    store: Store, other: Store, proxy: Proxy
) -> None:
    plan = key()
    proxy.swallow_replies(1)

    made = store.issue(plan)

    assert made is not None
    assert plan.opaque_id is not None
    found = other.find_opaque(plan.opaque_id)
    assert found.kind is OpaqueKind.LIVE
    assert other.sessions("ada", kind="key") == [made]


@pytest.mark.parametrize("what", ["its session", "its subject", "everybody"])
def test_a_key_that_ended_while_its_answer_was_lost_lets_nobody_in(
    store: Store, other: Store, proxy: Proxy, what: str
) -> None:
    plan = key(session_id=sid("new"))
    proxy.meanwhile = lambda: ENDINGS[what](other)
    proxy.swallow_replies(1)

    store.issue(plan)

    assert plan.opaque_id is not None
    assert other.find_opaque(plan.opaque_id).kind is OpaqueKind.REVOKED


@pytest.mark.parametrize("leeway", [10_000, 0])
@pytest.mark.parametrize("what", ENDINGS)
def test_a_rotation_whose_session_was_ended_meanwhile_is_not_called_theft(
    store: Store, other: Store, proxy: Proxy, kind: str, what: str, leeway: int
) -> None:
    if what == "its session":
        proxy.meanwhile = lambda: other.revoke_session(LIVE, reason="log-out")
    else:
        proxy.meanwhile = lambda: ENDINGS[what](other)
    proxy.swallow_replies(1)
    if kind == "postgres" and not leeway:  # it cannot tell its own work from a thief's
        with pytest.raises(StoreUnavailable):
            store.rotate(present(LIVE, leeway=leeway))
        return

    fact = store.rotate(present(LIVE, leeway=leeway))

    assert fact.kind is RotationKind.REVOKED
    assert fact.session is not None
    assert fact.session.reason != "reuse"


def test_a_rotation_whose_token_was_stolen_meanwhile_does_not_revive_the_session(
    store: Store, other: Store, proxy: Proxy
) -> None:
    proxy.meanwhile = lambda: other.rotate(present(LIVE, leeway=0))
    proxy.swallow_replies(1)

    fact = store.rotate(present(LIVE))

    assert fact.kind is RotationKind.REVOKED
    assert other.is_revoked(LIVE, None)


def test_a_rotation_that_somebody_else_continued_meanwhile_is_replayed(
    store: Store, other: Store, proxy: Proxy
) -> None:
    proxy.meanwhile = lambda: other.rotate(present(LIVE, 1))
    proxy.swallow_replies(1)

    fact = store.rotate(present(LIVE))

    assert fact.kind is RotationKind.REPLAYED
    assert fact.session is not None
    assert fact.session.generation == 2


def test_a_revocation_repeated_after_its_session_was_ended_by_another_is_final(
    store: Store, other: Store, proxy: Proxy
) -> None:
    proxy.meanwhile = lambda: other.revoke_subject("ada", reason="password changed")
    proxy.swallow_replies(1)

    kind = store.revoke_session(LIVE, reason="log-out")

    assert kind in {RevokeKind.REVOKED, RevokeKind.ALREADY}
    assert other.is_revoked(LIVE, None)


def test_an_opaque_token_whose_session_ended_while_its_answer_was_lost_lets_nobody_in(
    store: Store, other: Store, proxy: Proxy, kind: str
) -> None:
    plan = opaque(LIVE)
    proxy.meanwhile = lambda: other.revoke_session(LIVE, reason="log-out")
    proxy.swallow_replies(1)

    if kind == "postgres":  # it is not asked again: the hash would be in use
        with pytest.raises(StoreUnavailable):
            store.issue_opaque(plan)
    else:
        store.issue_opaque(plan)
    assert other.find_opaque(plan.opaque_id).kind is OpaqueKind.REVOKED
