"""What the log's streams hold after each operation, for those who read it elsewhere."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gatepass.sessions import RotationKind, Store
from gatepass.sessions.session import LOG_MS
from gatepass.stores.redis.scripts import MAX_IDLE
from tests.servers.redis_sets import ServerSet, running
from tests.stores.plans import ACCESS_LIFE, LIFE, SECOND, Clock, log_in, present, sid
from tests.stores.redis_backends import redis_store_at
from tests.stores.twins import Runner


@pytest.fixture(params=["redis 7", "redis 8", "valkey"])
def servers(request: pytest.FixtureRequest) -> ServerSet:
    servers = running(request.param)
    servers.flush()
    return servers


@pytest.fixture
def store(servers: ServerSet, twin: str, runner: Runner, clock: Clock) -> Iterator[Store]:
    store = redis_store_at(servers.url, twin, runner, clock)
    yield store
    store.close()


Entry = tuple[int, str, str]


def log_of(servers: ServerSet, partition: int = 8) -> list[Entry]:
    """Moment, kind and id of each entry, in order."""
    client = servers.servers[0].client()
    entries: Any = client.xrange(f"gatepass:{{{partition}}}:log")
    return [
        (int(place.split(b"-")[0]), kind.decode(), identifier.decode())
        for place, fields in entries
        for kind, identifier in fields.items()
    ]


def test_entries_past_retention_are_trimmed(servers: ServerSet, store: Store, clock: Clock) -> None:
    store.issue(log_in())
    for number in range(10):
        store.revoke_token(sid(f"token {number}"))
        clock.forward(LOG_MS // 4)

    assert [identifier for _, _, identifier in log_of(servers)] == [
        sid(f"token {number}") for number in range(5, 10)
    ]
    assert not store.is_revoked(None, sid("token 4"))
    assert store.is_revoked(None, sid("token 9"))


def test_a_clock_set_back_trims_nothing_and_keeps_the_order(
    servers: ServerSet, store: Store, clock: Clock
) -> None:
    store.issue(log_in())
    store.revoke_token(sid("first"))
    first = clock.ms
    clock.forward(-10 * LOG_MS)
    store.revoke_token(sid("second"))
    clock.forward(1)
    store.revoke_token(sid("third"))

    assert log_of(servers) == [
        (first, "t", sid("first")),
        (first, "t", sid("second")),
        (first, "t", sid("third")),
    ]


def test_the_log_knows_when_it_was_made_and_how_far_it_came(
    servers: ServerSet, store: Store, clock: Clock
) -> None:
    client = servers.servers[0].client()
    store.issue(log_in())
    store.revoke_token(sid("first"))
    identity = client.hget("gatepass:{8}:meta", "id")
    clock.forward(SECOND)
    store.revoke_token(sid("second"))

    meta: Any = client.hgetall("gatepass:{8}:meta")
    assert meta[b"id"] == identity
    assert int(meta[b"at"]) == clock.ms
    assert int(meta[b"life"]) == ACCESS_LIFE


@pytest.mark.soak
def test_idle_sessions_of_one_subject_are_bounded(
    servers: ServerSet, store: Store, clock: Clock
) -> None:
    for number in range(MAX_IDLE + 3):
        clock.forward(SECOND)
        store.issue(log_in(session_id=sid(str(number)), idle=SECOND))
    store.issue(log_in(session_id=sid("last")))

    assert [identifier for _, _, identifier in log_of(servers)] == [sid("0"), sid("1")]
    assert servers.servers[0].client().zcard("gatepass:{8}:u:ada") == MAX_IDLE + 2
    assert store.rotate(present(sid("2"), 1)).kind is RotationKind.AHEAD


def test_the_list_of_an_actor_forgets_sessions_that_are_long_over(
    servers: ServerSet, store: Store, clock: Clock
) -> None:
    plan = replace(log_in(session_id=sid("old")), actor="support-7")
    store.issue(plan)
    clock.forward(LIFE + LOG_MS)
    store.issue(replace(plan, session_id=sid("new")))

    [key] = servers.all_keys("*:a:*")
    assert servers.holder(key).zrange(key, 0, -1) == [sid("new").encode()]
