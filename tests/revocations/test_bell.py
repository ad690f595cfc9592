"""The bell beside the database: what is acknowledged is heard at once, the rest is found soon."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations import sqlite as replicas
from gatepass.revocations.sqlite import SqliteReplica
from gatepass.stores.sql import SqlStore
from gatepass.stores.sql.sqlite_bell import SqliteBell
from tests.stores.plans import Clock, log_in, present

NOW_MS = Clock().ms


class Hand:
    """A monotonic clock that moves only when told, so that nothing is looked at by chance."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(replicas, "monotonic", hand)
    return hand


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqlStore]:
    store = SqlStore.from_url(f"sqlite:///{tmp_path / 'gate.db'}", clock=clock)
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(store: SqlStore, tmp_path: Path, clock: Clock, hand: Hand) -> Iterator[SqliteReplica]:
    """A replica of another process, in all but name; it has heard the bell before."""
    store.issue(log_in(session_id="first"))
    elsewhere = SqlStore.from_url(f"sqlite:///{tmp_path / 'gate.db'}", clock=clock)
    replica = SqliteReplica(elsewhere)
    assert not replica.is_revoked("first", None)
    hand.now += 1
    assert not replica.is_revoked("first", None)
    yield replica
    elsewhere.close()


def test_what_is_acknowledged_is_heard_without_time_passing(
    store: SqlStore, reader: SqliteReplica
) -> None:
    store.revoke_token("t1")
    assert reader.is_revoked(None, "t1")
    store.revoke_session("first", reason="log-out")
    assert reader.is_revoked("first", None)


def test_rotations_make_nobody_read_the_log(
    store: SqlStore, reader: SqliteReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.rotate(present("first"))

    def fail() -> bool:
        raise AssertionError

    monkeypatch.setattr(reader, "_catch_up", fail)

    assert not reader.is_revoked("first", None)


def test_a_commit_that_rang_no_bell_is_found_within_a_hundredth_of_a_second(
    tmp_path: Path, reader: SqliteReplica, hand: Hand
) -> None:
    with closing(sqlite3.connect(tmp_path / "gate.db")) as foreign, foreign:
        foreign.execute(
            "INSERT INTO gatepass_revocations (kind, id, at_ms) VALUES ('t', 't9', ?)", [NOW_MS]
        )
    hand.now += 0.011

    assert reader.is_revoked(None, "t9")


def test_a_deleted_bell_is_made_again(
    tmp_path: Path, store: SqlStore, reader: SqliteReplica, hand: Hand
) -> None:
    bell = tmp_path / "gate.db-bell"
    bell.unlink()
    store.revoke_token("t1")
    hand.now += 0.011

    assert reader.is_revoked(None, "t1")
    store.revoke_token("t2")
    assert reader.is_revoked(None, "t2")
    assert bell.stat().st_mode & 0o777 == 0o600


def test_a_truncated_bell_only_costs_time(
    tmp_path: Path, store: SqlStore, reader: SqliteReplica
) -> None:
    (tmp_path / "gate.db-bell").write_bytes(b"")
    store.revoke_token("t1")

    assert reader.is_revoked(None, "t1")


def test_a_bell_that_leads_elsewhere_is_not_followed(
    tmp_path: Path, store: SqlStore, reader: SqliteReplica, hand: Hand
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    bell = tmp_path / "gate.db-bell"
    bell.unlink()
    bell.symlink_to(victim)

    with pytest.raises(StoreUnavailable):
        store.revoke_token("t1")
    hand.now += 0.011
    assert reader.is_revoked(None, "t1")  # not confirmed, but there, and SQLite was asked
    bell.unlink()
    store.revoke_token("t1")
    assert victim.read_text() == "precious"


def test_a_bell_in_a_folder_that_is_gone_cannot_ring(tmp_path: Path) -> None:
    bell = SqliteBell(str(tmp_path / "gone" / "gate.db"))

    assert bell.look() == b""
    with pytest.raises(StoreUnavailable):
        bell.ring()
    bell.close()
