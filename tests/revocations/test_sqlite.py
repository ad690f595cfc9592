"""The SQLite replica: never stale, and it passes no check that the store did not answer."""

import sqlite3
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.revocations.sqlite import SqliteReplica
from gatepass.sessions import AsyncRevocations, Revocations, Store
from gatepass.stores.sql import SqlStore
from tests.stores.plans import DAY, IDLE, LEEWAY, Clock, log_in, present
from tests.stores.twins import Awaited


@pytest.fixture
def elsewhere(path: Path, clock: Clock) -> Iterator[SqlStore]:
    """Another process's store, in all but name."""
    store = SqlStore.from_url(f"sqlite:///{path}", clock=clock)
    yield store
    store.close()


def test_it_is_what_managers_take(replica: Revocations, store: Store) -> None:
    taken = replica.twin if isinstance(replica, Awaited) else replica
    assert isinstance(taken, Revocations | AsyncRevocations)
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


def test_a_session_that_the_store_does_not_have_is_revoked(replica: Revocations) -> None:
    assert replica.is_revoked("missing", None)
    assert not replica.is_revoked(None, None)


def test_a_replaced_file_answers_no_check(replica: Any, store: Store, path: Path) -> None:
    store.issue(log_in(session_id="live"))
    assert not replica.is_revoked("live", None)

    path.rename(path.with_name("elsewhere"))
    path.touch()

    with pytest.raises(StoreUnavailable):
        replica.is_revoked("live", None)


def test_checks_write_nothing_and_block_no_checkpoint(
    replica: Revocations, store: Store, path: Path
) -> None:
    store.revoke_token("token")
    assert replica.is_revoked(None, "token")
    other = sqlite3.connect(path)
    version = other.execute("PRAGMA data_version").fetchall()

    assert not replica.is_revoked(None, "other")
    assert other.execute("PRAGMA data_version").fetchall() == version
    assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall() == [(0, 0, 0)]
    other.close()


def test_it_tells_readiness_how_it_is(replica: Any, store: Store, path: Path) -> None:
    assert replica.age == inf
    assert replica.fresh()
    assert (replica.status().stale_for, replica.age) == ({}, 0)

    path.rename(path.with_name("elsewhere"))
    assert not replica.fresh()
    status = replica.status()
    assert not status.is_fresh
    assert status.stale_for.keys() == status.down_for.keys() == {"log"}
    assert 0 <= replica.age < inf

    path.with_name("elsewhere").rename(path)
    assert not replica.is_revoked(None, "token")
    assert replica.status().is_fresh
    store.close()
    assert not replica.fresh()


def test_a_store_on_another_database_is_refused() -> None:
    with pytest.raises(SettingsRejected):
        SqliteReplica(SqlStore.from_url("postgresql://somebody@127.0.0.1:1/nothing"))
