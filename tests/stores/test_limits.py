"""One contract for the limits of every store: what passes, who waits, what is given back."""

from dataclasses import replace

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import Bucket, Store
from tests.stores.plans import MINUTE, SECOND, Clock, log_in


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
