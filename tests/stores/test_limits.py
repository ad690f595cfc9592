"""One contract for the limits of every store: what passes, who waits, what is given back."""

import secrets
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Bucket, Store, limits
from gatepass.sessions.limits import Tally
from gatepass.stores.memory import MemoryStore
from tests.servers.redis_sets import running
from tests.stores.plans import MINUTE, SECOND, Clock, log_in
from tests.stores.redis_backends import KINDS, redis_store
from tests.stores.twins import Runner


def bucket(name: str, limit: int = 3, *, window_ms: int = MINUTE, cost: int = 1) -> Bucket:
    return Bucket(key=name.encode().ljust(16), limit=limit, window_ms=window_ms, cost=cost)


A, B, C = bucket("a"), bucket("b", 5), bucket("c", 2, window_ms=2 * MINUTE)


def passes(store: Store, *buckets: Bucket) -> int:
    """How many attempts are counted before one has to wait."""
    passed = 0
    while store.take(buckets) == 0:
        passed += 1
    return passed


def test_exactly_the_limit_passes(store: Store) -> None:
    assert passes(store, A) == 3
    assert passes(store, B) == 5


def test_an_attempt_counts_in_all_buckets_or_in_none(store: Store) -> None:
    assert passes(store, A) == 3

    for _ in range(9):
        assert store.take([A, B, C]) == MINUTE
    assert passes(store, B, C) == 2
    assert passes(store, B) == 3


def test_the_longest_wait_is_told_and_is_true(store: Store, clock: Clock) -> None:
    passes(store, A)
    clock.forward(SECOND)
    passes(store, C)

    wait_ms = store.take([A, B, C])
    assert wait_ms == 2 * MINUTE
    clock.forward(wait_ms - 1)
    assert store.take([A, B, C]) == 1
    clock.forward(1)
    assert store.take([A, B, C]) == 0


def test_attempts_fade_out_evenly(store: Store, clock: Clock) -> None:
    passes(store, A)

    clock.forward(MINUTE)
    assert passes(store, A) == 1
    assert store.take([A]) == MINUTE // 3
    clock.forward(MINUTE // 3)
    assert passes(store, A) == 1
    clock.forward(2 * MINUTE)
    assert passes(store, A) == 3


def test_a_dear_attempt_counts_more(store: Store) -> None:
    dear = bucket("b", 5, cost=2)

    assert passes(store, dear) == 2
    assert passes(store, B) == 1


def test_an_attempt_without_buckets_passes(store: Store) -> None:
    assert store.take([]) == 0
    store.give_back([])


def test_what_is_given_back_may_be_taken_again(store: Store, clock: Clock) -> None:
    passes(store, A)
    store.take([B])

    store.give_back([A, B])
    assert passes(store, A) == 1
    assert passes(store, B) == 5
    clock.forward(MINUTE)
    store.give_back([A])
    assert passes(store, A) == 2


def test_nothing_is_given_back_that_was_not_taken(store: Store) -> None:
    for _ in range(3):
        store.give_back([A, B])

    assert passes(store, A) == 3


def test_a_log_in_gives_back(store: Store) -> None:
    passes(store, A)

    assert store.issue(replace(log_in(), give_back=(A, B))) is not None
    assert passes(store, A) == 1


def test_a_log_in_that_lost_to_a_revocation_gives_back_too(store: Store) -> None:
    passes(store, A)
    store.revoke_subject("ada", reason="admin")

    assert store.issue(replace(log_in(epoch=0), give_back=(A,))) is None
    assert passes(store, A) == 1


def test_a_clock_that_was_ahead_locks_nobody(store: Store, clock: Clock) -> None:
    clock.forward(1000 * MINUTE)
    passes(store, A)

    clock.forward(-1000 * MINUTE)
    assert passes(store, A) == 3
    assert store.take([A]) == MINUTE


def test_a_clock_that_steps_back_in_a_window_locks_nobody_for_longer(
    store: Store, clock: Clock
) -> None:
    store.take([A])
    clock.forward(40 * SECOND)
    passes(store, A)

    clock.forward(-30 * SECOND)
    assert store.take([A]) == 50 * SECOND


def test_a_closed_store_counts_nothing(store: Store) -> None:
    store.close()

    with pytest.raises(StoreUnavailable):
        store.take([A])
    with pytest.raises(StoreUnavailable):
        store.give_back([A])


@pytest.mark.parametrize("store", ["memory", "sqlite", "postgres"], indirect=True)
def test_a_purge_removes_what_is_over(store: Store, clock: Clock) -> None:
    store.take([A, B])
    store.take([C])
    passes(store, A)
    store.take([bucket("refused"), A])

    clock.forward(2 * MINUTE - 1)
    assert store.purge() == 0
    clock.forward(1)
    assert store.purge() == 2
    clock.forward(2 * MINUTE)
    assert store.purge() == 1


def test_a_memory_store_forgets_what_is_over_without_being_asked(clock: Clock) -> None:
    store = MemoryStore(clock)
    for number in range(10_000):
        store.take([bucket(str(number))])
        clock.forward(MINUTE)

    assert len(store._tallies) <= 1_024


ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(["take", "give_back", "issue"]),
        st.sets(st.sampled_from("abc"), min_size=1),
        st.sampled_from([0, 0, 1, 30_001, 60_000, 61_000, 119_999, -1, -70_000]),
    ),
    max_size=25,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=ATTEMPTS)
def test_every_store_decides_as_the_pure_function(
    store: Store, clock: Clock, steps: list[tuple[str, set[str], int]]
) -> None:
    run = secrets.token_hex(7)
    of = {
        "a": bucket(f"a{run}"),
        "b": bucket(f"b{run}", 7, window_ms=MINUTE + 1, cost=3),
        "c": bucket(f"c{run}", 4, window_ms=2 * MINUTE, cost=2),
    }
    tallies: dict[bytes, Tally] = {}
    for what, names, forward in [*steps, *[("take", set("abc"), 1)] * 3]:
        clock.forward(forward)
        buckets = [of[name] for name in sorted(names, reverse=True)]
        if what == "take":
            taken = limits.take([tallies.get(each.key) for each in buckets], buckets, clock.ms)
            if isinstance(taken, int):
                assert store.take(buckets) == taken
                continue
            assert store.take(buckets) == 0
            tallies |= {each.key: tally for each, tally in zip(buckets, taken, strict=True)}
            continue
        if what == "issue":
            store.issue(replace(log_in(), give_back=tuple(buckets)))
        else:
            store.give_back(buckets)
        for each in buckets:
            if each.key in tallies:
                tallies[each.key] = limits.give_back(tallies[each.key], each, clock.ms)


def test_a_damaged_row_is_an_outage(sqlite: Store, path: Path) -> None:
    sqlite.take([A])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE gatepass_limits SET current = 'many'")

    with pytest.raises(StoreUnavailable):
        sqlite.take([A])


@pytest.mark.parametrize("kind", ["redis 8", "valkey"])
def test_a_damaged_key_is_an_outage(kind: str, twin: str, runner: Runner) -> None:
    store = redis_store(kind, twin, runner)
    key = f"gatepass:{{0}}:l:{A.key.hex()}"
    client = running(kind).holder(key)
    for damage in (lambda: client.set(key, "many"), lambda: client.hset(key, "many", "fields")):
        client.delete(key)
        damage()
        with pytest.raises(StoreUnavailable):
            store.take([A])
    store.close()


@pytest.mark.parametrize("kind", ["redis 7", "redis 8", "valkey", "cluster"])
def test_a_server_that_forgot_its_scripts_gives_back_once(
    kind: str, twin: str, runner: Runner
) -> None:
    store = redis_store(kind, twin, runner)
    servers = running(kind)
    for forgotten in ("issue", "limits"):
        passes(store, A)
        for server in servers.primaries():
            server.client().script_flush()
        if forgotten == "issue":
            store.give_back([B])  # the server knows the other script
        else:
            store.issue(log_in())

        assert store.issue(replace(log_in(), give_back=(A,))) is not None
        assert passes(store, A) == 1
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_all_limits_are_in_one_slot_of_redis_and_expire(
    kind: str, twin: str, runner: Runner
) -> None:
    store = redis_store(kind, twin, runner)
    store.take([A, B, C])
    store.give_back([A])
    store.close()

    keys = running(kind).all_keys()
    assert sorted(keys) == [b"gatepass:{0}:l:%b" % one.key.hex().encode() for one in (A, B, C)]
    for key, one in zip(sorted(keys), (A, B, C), strict=True):
        assert 0 < running(kind).holder(key).pttl(key) <= 2 * one.window_ms
