"""What an acknowledgement costs, what it means, and what becomes of one that was lost."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Bucket, RevokeKind, RotationKind, Session, Store
from tests.budget import require_short
from tests.cases import case
from tests.servers.proxy import Proxy, proxy_to
from tests.servers.redis_server import eventually
from tests.servers.redis_sets import ServerSet, running, start_alone, start_pair
from tests.stores.plans import key, log_in, opaque, present, sid
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner

pytestmark = pytest.mark.faults

BUCKET = Bucket(key=bytes(16), limit=10, window_ms=60_000)

TRIPS: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "issue": (1, lambda store: store.issue(log_in())),
    "issue and give back": (1, lambda store: store.issue(replace(log_in(), give_back=(BUCKET,)))),
    "issue with an epoch": (1, lambda store: store.issue(log_in(epoch=0))),
    "issue a key": (1, lambda store: store.issue(key())),
    "note_use": (1, lambda store: store.note_use(sid("live"))),
    "ROTATED": (1, lambda store: store.rotate(present(sid("live")))),
    "REPLAYED": (1, lambda store: store.rotate(present(sid("rotated")))),
    "AHEAD": (1, lambda store: store.rotate(present(sid("rotated"), 9))),
    "UNKNOWN": (1, lambda store: store.rotate(present(sid("unknown")))),
    "REUSED": (2, lambda store: store.rotate(present(sid("rotated"), leeway=0))),
    "verify": (1, lambda store: store.is_revoked(sid("live"), sid("token"))),
    "issue_opaque": (1, lambda store: store.issue_opaque(opaque(sid("live")))),
    "find_opaque": (1, lambda store: store.find_opaque(opaque(sid("live")).opaque_id)),
    "revoke_session": (1, lambda store: store.revoke_session(sid("live"), reason="log-out")),
    "revoke_token": (1, lambda store: store.revoke_token(sid("token"))),
    "revoke_subject": (1, lambda store: store.revoke_subject("ada", reason="log-out")),
    "take": (1, lambda store: store.take([BUCKET])),
    "give_back": (1, lambda store: store.give_back([BUCKET])),
    "sessions": (1, lambda store: store.sessions("ada")),
    "subject_epoch": (1, lambda store: store.subject_epoch("ada")),
}
DURABLE = {"issue", "issue a key", "issue and give back", "issue with an epoch", "REUSED"} | {
    *("revoke_session", "revoke_token", "revoke_subject")
}
SCRIPTS = {"issue and give back": 2, "revoke_subject": 17}


@pytest.fixture(params=["redis 7", "redis 8", "valkey"])
def alone(request: pytest.FixtureRequest) -> ServerSet:
    servers = running(request.param)
    servers.flush()
    return servers


@pytest.fixture
def proxy(alone: ServerSet) -> Iterator[Proxy]:
    with proxy_to(alone.servers[0].port) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: Proxy, twin: str, runner: Runner) -> Iterator[Store]:
    """A store that has been used, behind a proxy."""
    store = redis_store_at(f"redis://127.0.0.1:{proxy.port}/0", twin, runner)
    fill(store)
    yield store
    store.close()


def fill(store: Store) -> None:
    store.issue(log_in(session_id=sid("live")))
    store.issue(replace(log_in(session_id=sid("rotated")), actor="support-7"))
    store.rotate(present(sid("rotated")))


def test_round_trips_are_counted_on_the_wire(alone: ServerSet, proxy: Proxy, store: Store) -> None:
    has_waitaof = alone.name != "redis 7"
    client = alone.servers[0].client()
    for what, (expected, operation) in TRIPS.items():
        operation(store)  # its script is known from here on, and nothing of it is left
        client.flushall()
        for name in ("live", "rotated"):
            store.issue(log_in(session_id=sid(name)))
        store.rotate(present(sid("rotated")))
        client.config_resetstat()
        before = proxy.trips

        operation(store)

        stats = client.info("commandstats")
        with case(what):
            scripts = SCRIPTS.get(what, expected if has_waitaof else 1)
            assert stats["cmdstat_evalsha"]["calls"] == scripts
            assert ("cmdstat_waitaof" in stats) == (what in DURABLE and has_waitaof)
            assert proxy.trips - before == (expected if has_waitaof else 1)


LOST: dict[str, tuple[Callable[[Any], Any], Callable[[Any], bool]]] = {
    "issue": (
        lambda store: store.issue(log_in(session_id=sid("new"))),
        lambda answer: isinstance(answer, Session) and answer.session_id == sid("new"),
    ),
    "rotate": (
        lambda store: store.rotate(present(sid("live"))),
        lambda fact: fact.kind is RotationKind.ROTATED and fact.session.generation == 1,
    ),
    "rotate without leeway": (
        lambda store: store.rotate(present(sid("live"), leeway=0)),
        lambda fact: fact.kind is RotationKind.ROTATED and fact.session.generation == 1,
    ),
    "rotate what was reused": (
        lambda store: store.rotate(present(sid("rotated"), leeway=0)),
        lambda fact: fact.kind is RotationKind.REUSED,
    ),
    "issue_opaque": (
        lambda store: store.issue_opaque(opaque(sid("live"))),
        lambda answer: answer is not None,
    ),
    "revoke_session": (
        lambda store: store.revoke_session(sid("live"), reason="log-out"),
        lambda kind: kind is RevokeKind.REVOKED,
    ),
    "revoke_token": (lambda store: store.revoke_token(sid("t")), lambda answer: answer is None),
    "revoke_subject": (
        lambda store: store.revoke_subject("ada", reason="log-out"),
        lambda ended: ended == 2,
    ),
    "revoke an actor": (
        lambda store: store.revoke_subject("support-7", reason="left"),
        lambda ended: ended == 1,
    ),
    "is_revoked": (
        lambda store: store.is_revoked(sid("live"), None),
        lambda answer: answer is False,
    ),
}


def test_an_answer_that_was_lost_is_given_again(
    alone: ServerSet, proxy: Proxy, store: Store
) -> None:
    for what, (operation, is_right) in LOST.items():
        alone.flush()
        fill(store)
        proxy.swallow_replies(1)

        with case(what):
            assert is_right(operation(store))


def test_a_repeated_operation_is_done_once(proxy: Proxy, store: Store) -> None:
    proxy.swallow_replies(1)
    store.revoke_subject("ada", reason="log-out")
    proxy.swallow_replies(1)
    store.issue(log_in(session_id=sid("new"), max_sessions=1))

    assert store.subject_epoch("ada") == 1
    assert [one.session_id for one in store.sessions("ada")] == [sid("new")]
    with pytest.raises(ValueError, match="in use"):
        store.issue(log_in(session_id=sid("new")))


@pytest.fixture(params=["redis 8", "valkey"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerSet]:
    servers = start_pair(request.param, tmp_path)
    yield servers
    servers.stop()


def test_nothing_is_acknowledged_that_the_replica_does_not_have(
    pair: ServerSet, twin: str, runner: Runner
) -> None:
    primary, replica = pair.servers
    store = redis_store_at(pair.url, twin, runner)
    store.issue(log_in(session_id=sid("live")))
    store.issue(log_in(session_id=sid("other")))
    brief = redis_store_at(pair.url, twin, runner, timeout=0.6)
    with suppress(StoreUnavailable):  # on a busy machine
        brief.revoke_token(sid("gone"))
    replica.freeze()

    operations: list[Callable[[Store], object]] = [
        lambda store: store.revoke_session(sid("live"), reason="log-out"),
        lambda store: store.revoke_session(sid("gone"), reason="log-out"),
        lambda store: store.revoke_token(sid("token")),
        lambda store: store.issue(log_in()),
    ]
    for operation in operations:
        new = redis_store_at(pair.url, twin, runner, timeout=0.6)
        for each in (brief, new, brief):  # over a connection that has written nothing, too
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                operation(each)
            require_short(time.monotonic() - began, 0.6)
        new.close()
    with pytest.raises(StoreUnavailable, match="confirm"):
        store.revoke_token(sid("token"))
    assert store.rotate(present(sid("other"))).kind is RotationKind.ROTATED
    assert store.is_revoked(sid("live"), None)
    replica.thaw()

    def is_confirmed() -> bool:
        try:
            return store.revoke_session(sid("live"), reason="log-out") is RevokeKind.ALREADY
        except StoreUnavailable:
            return False

    eventually(is_confirmed, "the replica does not confirm")
    assert store.issue(log_in()) is not None
    assert primary.info("commandstats")["cmdstat_wait"]["calls"] > 0
    brief.close()
    store.close()


def test_a_replica_that_is_gone_is_not_taken_for_one_that_never_was(
    pair: ServerSet, twin: str, runner: Runner
) -> None:
    store = redis_store_at(pair.url, twin, runner)
    store.issue(log_in(session_id=sid("live")))
    pair.servers[1].kill()

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            store.revoke_session(sid("live"), reason="log-out")
    store.close()

    brave = redis_store_at(pair.url, twin, runner, replicas=0)
    assert brave.revoke_session(sid("live"), reason="log-out") is RevokeKind.ALREADY
    brave.close()


def test_reuse_is_told_only_when_the_replica_has_it(
    pair: ServerSet, twin: str, runner: Runner
) -> None:
    store = redis_store_at(pair.url, twin, runner)
    store.issue(log_in(session_id=sid("live")))
    store.rotate(present(sid("live")))
    pair.servers[1].freeze()

    with pytest.raises(StoreUnavailable, match="confirm"):
        store.rotate(present(sid("live"), leeway=0))
    assert store.rotate(present(sid("live"), 1)).kind is RotationKind.REVOKED
    pair.servers[1].thaw()
    store.close()


def test_everybodys_end_is_confirmed_too(pair: ServerSet, twin: str, runner: Runner) -> None:
    store = redis_store_at(pair.url, twin, runner)
    for number in range(50):
        store.issue(log_in(f"subject {number}"))
    pair.servers[1].freeze()

    with pytest.raises(StoreUnavailable):
        store.revoke_all(reason="restore")
    pair.servers[1].thaw()
    eventually(lambda: store.subject_epoch("subject 1") > 0, "no epoch was raised")

    eventually(
        lambda: pair.servers[0].info("replication")["slave0"]["lag"] <= 1, "no replica comes back"
    )
    assert store.revoke_all(reason="restore") == 0
    assert all(store.sessions(f"subject {number}") == [] for number in range(50))
    store.close()


@pytest.mark.parametrize("kind", ["redis 8", "valkey"])
def test_a_disk_that_is_written_every_second_is_waited_for(
    kind: str, tmp_path: Path, twin: str, runner: Runner
) -> None:
    servers = start_alone(kind, tmp_path, "--appendonly", "yes", "--appendfsync", "everysec")
    store = redis_store_at(servers.url, twin, runner)
    plan = log_in()

    assert store.issue(plan) is not None
    [server] = servers.servers
    server.send(signal.SIGKILL)
    assert server.process is not None
    server.process.wait()
    server.start()

    assert store.sessions("ada")[0].session_id == plan.session_id
    store.close()
    servers.stop()
