"""The SQLite replica: never stale, and never sure of itself when it should not be."""

import logging
import sqlite3
from collections.abc import Iterator
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations import sqlite as replicas
from gatepass.revocations.sqlite import AsyncSqliteReplica, SqliteReplica
from gatepass.sessions import AsyncRevocations, Revocations, Store
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from gatepass.stores.sql.sqlite_connection import WouldWait
from tests.budget import require_short
from tests.stores.plans import DAY, IDLE, LEEWAY, MINUTE, Clock, log_in, present
from tests.stores.test_concurrency import ticking
from tests.stores.twins import Runner, replica_on


@pytest.fixture
def elsewhere(path: Path, clock: Clock) -> Iterator[SqlStore]:
    """Another process's store, in all but name."""
    store = SqlStore.from_url(f"sqlite:///{path}", clock=clock)
    yield store
    store.close()


def test_it_is_what_managers_take(replica: Revocations, store: Store) -> None:
    assert isinstance(replica, Revocations | AsyncRevocations)
    assert replica.is_async == store.is_async


def test_every_revocation_is_seen_at_once(
    replica: Revocations, store: Store, elsewhere: SqlStore, clock: Clock
) -> None:
    for number, writer in enumerate([store, elsewhere] * 3):
        session, token = f"session {number}", f"token {number}"
        writer.issue(log_in(f"subject {number}", session_id=session))
        assert not replica.is_revoked(session, token)
        writer.revoke_token(token)
        assert replica.is_revoked(session, token)
        assert not replica.is_revoked(session, None)
        writer.rotate(present(session))
        assert not replica.is_revoked(session, None)
        match number % 3:
            case 0:
                writer.revoke_session(session, reason="log-out")
            case 1:
                writer.revoke_subject(f"subject {number}", reason="log-out")
            case _:
                clock.forward(LEEWAY + 1)
                writer.rotate(present(session))
        assert replica.is_revoked(session, None)
    writer.issue(log_in(session_id="last"))
    writer.revoke_all(reason="restore")
    assert replica.is_revoked("last", None)


def test_it_knows_the_log_and_not_the_rows(replica: Revocations) -> None:
    assert not replica.is_revoked("missing", None)
    assert not replica.is_revoked(None, None)


def test_a_log_of_many_pages_is_read_to_its_end(
    replica: Revocations, store: Store, path: Path, clock: Clock, inner: SqliteReplica
) -> None:
    store.revoke_token("first")
    assert replica.is_revoked(None, "first")
    add_tokens(path, 2_345, clock)

    assert replica.is_revoked(None, "token 2344")
    assert len(inner._denylist) == 2_346


def test_a_copy_that_is_not_read_to_the_end_answers_nobody(
    replica: Revocations, store: Store, path: Path, clock: Clock, inner: SqliteReplica
) -> None:
    store.revoke_token("first")
    assert replica.is_revoked(None, "first")
    assert replica.is_revoked(None, "first")
    add_tokens(path, 2_345, clock)
    verdicts: list[bool | None] = []

    for _ in range(6):
        try:
            verdicts.append(inner.try_is_revoked(None, "token 2344"))
        except WouldWait:
            verdicts.append(None)

    assert verdicts == [None, None, None, None, True, True]


def test_a_log_too_long_for_one_check_is_read_in_several(
    replica: Revocations,
    store: Store,
    path: Path,
    clock: Clock,
    inner: SqliteReplica,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.issue(log_in(session_id="live"))
    add_tokens(path, 2_345, clock)
    monkeypatch.setattr(replicas, "find_deadline", monotonic)
    held = []

    for _ in range(6):
        assert replica.is_revoked(None, "token 2344")
        assert not replica.is_revoked("live", None)
        held.append(len(inner._denylist))

    assert 0 < held[0] < held[-1] == 2_345


def test_a_copy_whose_store_is_closed_says_that_it_is_stale(
    replica: Any, store: Store, inner: SqliteReplica
) -> None:
    assert replica.fresh()
    store.close()

    assert not replica.fresh()
    status = inner.status()
    assert (status.is_fresh, list(status.down_for)) == (False, ["log"])
    assert status.age > 0


def test_a_clock_that_was_ahead_for_a_moment_has_a_restarted_replica_forget_nothing(
    store: Store, runner: Runner, clock: Clock
) -> None:
    store.issue(log_in(session_id="a"))
    store.revoke_session("a", reason="log-out")
    clock.forward(18 * MINUTE)
    store.purge()
    clock.forward(-18 * MINUTE)

    assert replica_on(store, runner).is_revoked("a", None)


def test_revoking_everybody_logs_sessions_that_nobody_used_for_long(
    replica: Revocations, store: Store, clock: Clock
) -> None:
    """A token that is ahead of the store could bring such a session back."""
    store.issue(log_in(session_id="a"))
    clock.forward(IDLE)

    assert store.revoke_all(reason="restore") == 0
    assert replica.is_revoked("a", None)


def test_what_was_purged_is_not_missed(replica: Revocations, store: Store, clock: Clock) -> None:
    store.revoke_token("old")
    assert replica.is_revoked(None, "old")
    clock.forward(DAY)
    assert store.purge() == 1
    store.revoke_token("new")

    assert replica.is_revoked(None, "new")


def test_a_backup_restored_underneath_takes_nothing_back(
    replica: Revocations, store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.revoke_token("before")
    backup = sqlite3.connect(path.with_name("backup"))
    live = sqlite3.connect(path)
    live.backup(backup)
    store.revoke_token("after")
    assert replica.is_revoked(None, "after")

    with caplog.at_level(logging.WARNING):
        backup.backup(live)
        assert replica.is_revoked(None, "after")
        assert replica.is_revoked(None, "before")
    backup.close()
    live.close()

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    store.revoke_token("later")
    assert replica.is_revoked(None, "later")


def test_a_lost_log_keeps_what_is_held_and_says_so(
    replica: Revocations, store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.issue(log_in(session_id="live"))
    store.revoke_token("token")
    assert replica.is_revoked(None, "token")

    with caplog.at_level(logging.WARNING):
        connection = sqlite3.connect(path)
        connection.execute("DELETE FROM gatepass_meta")
        connection.commit()
        connection.close()
        for _ in range(3):
            assert replica.is_revoked(None, "token")

    assert "no log" in caplog.text
    assert len(caplog.records) == 1


def test_when_the_copy_fails_the_store_is_asked(
    replica: Revocations, store: Store, inner: SqliteReplica
) -> None:
    store.issue(log_in(session_id="live"))
    assert not replica.is_revoked("live", None)
    assert inner._connection is not None
    inner._connection.close()

    assert not replica.is_revoked("live", None)
    assert inner._connection is None
    assert replica.is_revoked("missing", None)  # the store knows the rows
    inner._retry_at = 0
    assert not replica.is_revoked("missing", None)  # the copy is back
    assert inner._connection is not None


def test_a_closed_store_closes_it(replica: Revocations, store: Store, inner: SqliteReplica) -> None:
    store.revoke_token("token")
    assert replica.is_revoked(None, "token")

    store.close()

    assert inner._connection is None
    with pytest.raises(StoreUnavailable):
        replica.is_revoked(None, "token")


def test_it_tells_readiness_how_it_is(
    replica: Revocations, store: Store, path: Path, inner: SqliteReplica
) -> None:
    asked: Any = replica
    assert asked.age == inf
    store.revoke_token("token")
    assert asked.fresh()
    assert (asked.status().entries, asked.status().stale_for, asked.age) == (1, {}, 0)

    path.rename(path.with_name("elsewhere"))
    assert not asked.fresh()
    assert asked.status().stale_for.keys() == asked.status().down_for.keys() == {"log"}
    assert asked.age > 0
    require_short(asked.age, 5)
    path.with_name("elsewhere").rename(path)
    inner._retry_at = 0
    assert asked.fresh()
    store.close()
    assert not asked.fresh()


@pytest.mark.anyio
async def test_a_big_log_does_not_stop_the_event_loop(path: Path, clock: Clock) -> None:
    store = AsyncSqlStore.from_url(f"sqlite:///{path}", clock=clock)
    await store.upgrade()
    replica = AsyncSqliteReplica(store)
    add_tokens(path, 100_000, clock)

    async with ticking(0.3):
        assert await replica.is_revoked(None, "token 99999")
    add_tokens(path, 50_000, clock, begin=100_000)
    async with ticking(0.3):
        assert await replica.is_revoked(None, "token 149999")

    await store.close()


def add_tokens(path: Path, count: int, clock: Clock, *, begin: int = 0) -> None:
    connection = sqlite3.connect(path)
    connection.executemany(
        "INSERT INTO gatepass_revocations (kind, id, at_ms) VALUES ('t', ?, ?)",
        [(f"token {number}", clock.ms) for number in range(begin, begin + count)],
    )
    connection.commit()
    connection.close()
