"""What a purge may remove, and how long everything else is kept."""

import sqlite3
from pathlib import Path

import pytest

from gatepass.sessions import Store
from gatepass.sessions.session import LOG_MS, SKEW_MS
from gatepass.stores.memory import MemoryStore
from gatepass.stores.sql import SqlStore
from tests.stores.plans import ACCESS_LIFE, DAY, LIFE, MINUTE, Clock, log_in, present, sid

RETENTION = ACCESS_LIFE + SKEW_MS
on_stores_that_purge = pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
"""Elsewhere rows expire by themselves."""
on_stores_that_keep_a_log = pytest.mark.parametrize(
    "store", ["memory", "sqlite", "postgres", "redis 8", "valkey"], indirect=True
)


def opened(store: Store, name: str, *, access_life: int = ACCESS_LIFE) -> None:
    assert store.issue(log_in(session_id=sid(name), access_life=access_life)) is not None


@on_stores_that_purge
def test_a_session_is_kept_until_its_absolute_end_and_retention(store: Store, clock: Clock) -> None:
    opened(store, "a")

    clock.forward(LIFE + RETENTION - 1)
    assert store.purge() == 0
    assert not store.is_revoked(sid("a"), None)
    clock.forward(1)
    assert store.purge() == 1
    assert store.is_revoked(sid("a"), None)
    assert store.purge() == 0


@on_stores_that_purge
def test_a_log_entry_is_kept_for_its_retention(store: Store, clock: Clock) -> None:
    opened(store, "a")
    store.revoke_token("stolen")

    clock.forward(LOG_MS - 1)
    assert store.purge() == 0
    assert store.is_revoked(None, "stolen")
    clock.forward(1)
    assert store.purge() == 1
    assert not store.is_revoked(None, "stolen")


@on_stores_that_keep_a_log
def test_a_clock_that_is_ahead_for_a_moment_makes_no_purge_forget_a_revocation(
    store: Store, clock: Clock
) -> None:
    """The log-out itself has PostgreSQL and Redis look for old entries."""
    opened(store, "a")
    opened(store, "b")
    store.revoke_token("stolen")
    store.revoke_session(sid("a"), reason="log-out")
    clock.forward(18 * MINUTE)
    store.purge()
    store.revoke_session(sid("b"), reason="log-out")
    clock.forward(-18 * MINUTE)

    assert store.is_revoked(None, "stolen")
    assert store.is_revoked(sid("a"), None)


@on_stores_that_purge
def test_a_revoked_session_stays_revoked_after_its_log_entry_is_gone(
    store: Store, clock: Clock
) -> None:
    opened(store, "a")
    store.revoke_session(sid("a"), reason="log-out")
    clock.forward(LOG_MS)

    assert store.purge() == 1
    assert store.is_revoked(sid("a"), None)


@on_stores_that_purge
@pytest.mark.parametrize("by_rotation", [False, True])
def test_a_raised_access_life_keeps_log_entries_longer(
    store: Store, clock: Clock, *, by_rotation: bool
) -> None:
    opened(store, "a")
    store.revoke_token("stolen")
    if by_rotation:
        store.rotate(present(sid("a"), access_life=DAY))
    else:
        opened(store, "b", access_life=DAY)

    clock.forward(DAY + SKEW_MS - 1)
    assert store.purge() == 0
    clock.forward(1)
    assert store.purge() == 1


@on_stores_that_purge
def test_a_replay_with_a_raised_access_life_counts_too(store: Store, clock: Clock) -> None:
    opened(store, "a")
    store.rotate(present(sid("a")))
    store.rotate(present(sid("a"), access_life=DAY))
    store.revoke_token("stolen")

    clock.forward(DAY)

    assert store.purge() == 0


@on_stores_that_purge
def test_a_shortened_access_life_shortens_nothing(store: Store, clock: Clock) -> None:
    opened(store, "a", access_life=DAY)
    opened(store, "b", access_life=MINUTE)
    store.rotate(present(sid("b"), access_life=MINUTE))
    store.revoke_token("stolen")

    clock.forward(DAY)

    assert store.purge() == 0


def test_the_longest_access_life_outlives_the_process(
    sqlite: Store, url: str, clock: Clock
) -> None:
    with_long_tokens = SqlStore.from_url(url, clock=clock)
    opened(with_long_tokens, "a")
    with_long_tokens.rotate(present(sid("a"), access_life=DAY))
    with_long_tokens.close()
    sqlite.revoke_token("stolen")

    clock.forward(DAY + SKEW_MS - 1)

    assert sqlite.purge() == 0


@on_stores_that_purge
def test_a_token_is_remembered_for_as_long_as_it_lives(store: Store, clock: Clock) -> None:
    opened(store, "a")
    store.revoke_token("long", lifetime_ms=DAY)

    clock.forward(DAY + SKEW_MS - 1)
    assert store.purge() == 0
    assert store.is_revoked(None, "long")
    clock.forward(1)
    assert store.purge() == 1


def test_a_big_purge_removes_everything_in_small_steps(
    sqlite: Store, path: Path, clock: Clock
) -> None:
    sqlite.subject_epoch("ada")
    connection = sqlite3.connect(path)
    connection.executemany(
        "INSERT INTO gatepass_revocations (kind, id, at_ms) VALUES ('t', ?, ?)",
        [(f"token {number}", clock.ms) for number in range(2_345)],
    )
    connection.commit()
    connection.close()
    clock.forward(DAY)

    assert sqlite.purge() == 2_345


def test_places_in_the_log_are_never_given_out_twice(
    sqlite: Store, path: Path, clock: Clock
) -> None:
    for name in ("a", "b", "c"):
        sqlite.revoke_token(name)
    clock.forward(DAY)
    sqlite.purge()
    sqlite.revoke_token("d")

    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT seq, kind, id, at_ms FROM gatepass_revocations").fetchall()
    connection.close()

    assert rows == [(4, "t", "d", clock.ms)]


def test_memory_is_given_back_without_being_asked(clock: Clock) -> None:
    store = MemoryStore(clock)
    for day in range(60):
        for number in range(100):
            store.issue(log_in(f"subject {number}", session_id=f"{day} {number}", life=DAY))
            store.revoke_session(f"{day} {number}", reason="log-out")
        clock.forward(2 * DAY)

    assert len(store._rows) + len(store._log) <= 1_200


def test_memory_that_only_revokes_is_given_back_too(clock: Clock) -> None:
    store = MemoryStore(clock)
    for number in range(10_000):
        store.revoke_token(f"token {number}", lifetime_ms=ACCESS_LIFE)
        store.revoke_session(f"session {number}", reason="log-out")
        clock.forward(15 * MINUTE)

    assert len(store._log) <= 1_200
    assert store.is_revoked(None, "token 9999")


def test_memory_forgets_nothing_before_it_knows_how_long_tokens_live(clock: Clock) -> None:
    store = MemoryStore(clock)
    for number in range(3_000):
        store.revoke_token(f"token {number}")
        clock.forward(MINUTE)

    assert store.is_revoked(None, "token 0")
