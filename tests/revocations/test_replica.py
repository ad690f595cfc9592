"""A replica on every database, in both twins: what it knows, and when."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.revocations import AsyncReplica, Replica
from gatepass.revocations.staleness import WhenStale
from gatepass.sessions import AsyncRevocations, Revocations
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import require_short
from tests.revocations.worlds import BACKENDS, World, empty_backend
from tests.stores.plans import log_in, present
from tests.stores.twins import Runner

Make = Callable[..., World]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest) -> str:
    return empty_backend(str(request.param))


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest, url: str, runner: Runner) -> Iterator[Make]:
    made: list[World] = []

    def world(**options: Any) -> World:
        made.append(World(url, str(request.param), runner, **options))
        return made[-1]

    yield world
    for each in made:
        each.close()


@pytest.fixture
def world(make: Make) -> World:
    world = make()
    world.until_fresh()
    return world


def test_it_is_what_managers_take(world: World) -> None:
    assert isinstance(world.inner, AsyncRevocations if world.is_async else Revocations)
    assert world.inner.is_async == world.is_async


def test_before_its_first_read_the_store_answers(make: Make) -> None:
    world = make()
    world.elsewhere.revoke_token("00first")

    assert world.replica.is_revoked(None, "00first")
    assert not world.replica.is_revoked(world.log_in(), "00second")


def test_what_was_revoked_before_it_began_is_held(make: Make) -> None:
    world = make()
    session = world.log_in()
    world.elsewhere.revoke_session(session, reason="log-out")
    for number in range(40):
        world.elsewhere.revoke_token(f"{number:02x}token")

    world.until_fresh()

    assert world.inner.status().entries == 41
    assert world.inner._denylist.is_held(session, None)
    assert all(world.inner._denylist.is_held(None, f"{number:02x}token") for number in range(40))


def test_every_kind_of_revocation_elsewhere_arrives(world: World) -> None:
    ended = [world.log_in(f"subject {number}") for number in range(4)]
    alive = world.log_in("somebody else")
    world.elsewhere.revoke_token("07token")
    world.elsewhere.revoke_session(ended[0], reason="log-out")
    world.elsewhere.revoke_subject("subject 1", reason="password")
    world.elsewhere.rotate(present(ended[2]))
    world.elsewhere.rotate(present(ended[2], leeway=0))
    world.elsewhere.issue(log_in("subject 3", max_sessions=1))

    held = world.inner._denylist.is_held
    world.until(lambda: held(None, "07token") and all(held(session, None) for session in ended))

    assert not world.replica.is_revoked(alive, "00other")
    world.elsewhere.revoke_all(reason="restore")
    world.until(lambda: held(alive, None))


def test_it_knows_the_log_and_not_the_rows(world: World) -> None:
    assert not world.replica.is_revoked("00missing", None)
    assert not world.replica.is_revoked(None, None)


@pytest.mark.parametrize("when_stale", WhenStale)
def test_what_this_process_revokes_counts_before_the_call_returns(
    make: Make, when_stale: WhenStale
) -> None:
    world = make(when_stale=when_stale)
    world.until_fresh()
    for number in range(5):
        sessions = [world.log_in(f"{number} {what}") for what in ("a", "b", "c", "d")]
        world.store.revoke_token(f"0{number}token")
        assert world.replica.is_revoked(None, f"0{number}token")
        world.store.revoke_session(sessions[0], reason="log-out")
        assert world.replica.is_revoked(sessions[0], None)
        world.store.rotate(present(sessions[1]))
        world.store.rotate(present(sessions[1], leeway=0))
        assert world.replica.is_revoked(sessions[1], None)
        world.store.revoke_subject(f"{number} c", reason="password")
        assert world.replica.is_revoked(sessions[2], None)
        world.store.revoke_all(reason="restore")
        assert world.replica.is_revoked(sessions[3], None)


def test_revoking_nothing_over_and_over_does_not_keep_everybody_out(make: Make) -> None:
    world = make(max_staleness=60, when_stale=WhenStale.DENY)
    world.until_fresh()
    for _ in range(3):
        world.pause(0.05)  # the reader has begun to wait for news
        world.store.revoke_subject("nobody", reason="password")
        assert not world.replica.is_revoked("00other", "00other")


def test_a_session_whose_secret_does_not_match_is_not_refused(world: World) -> None:
    session = world.log_in()

    world.store.revoke_session(session, reason="log-out", sec_hash=b"another".ljust(32))

    assert not world.replica.is_revoked(session, None)


def test_while_nothing_happens_it_stays_fresh(make: Make) -> None:
    world = make(max_staleness=1)
    world.until_fresh()
    for _ in range(75):
        world.pause(0.02)
        world.until_fresh()
        require_short(world.inner.age, 1)

    status = world.inner.status()
    assert (status.stale_for, status.down_for, status.why_down) == ({}, {}, None)
    assert status.to_dict()["fresh"]


def test_closing_the_store_ends_it(world: World) -> None:
    world.store.close()

    assert not world.inner.status().is_fresh
    with pytest.raises(StoreUnavailable):
        world.replica.is_revoked("00a", None)


def test_a_closed_replica_asks_the_store(world: World) -> None:
    world.replica.close()
    world.elsewhere.revoke_token("00late")

    assert world.replica.is_revoked(None, "00late")
    assert not world.replica.fresh()


def test_two_replicas_of_one_store_both_hear_of_it(world: World) -> None:
    other = Replica.from_url(world.url)
    with other:
        world.until(other.fresh)
        world.store.revoke_token("0atoken")
        world.until(lambda: other._denylist.is_held(None, "0atoken"))
        assert world.replica.is_revoked(None, "0atoken")


def test_failing_open_is_said_at_the_start(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        world = make(when_stale=WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED)

    assert "fail open" in caplog.text
    assert world.inner.status().fails_open
    assert world.inner.status().to_dict()["when_stale"] == "accept_tokens_that_may_be_revoked"


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.05, 61.0, float("nan")])
def test_a_staleness_out_of_bounds_is_refused(make: Make, seconds: float) -> None:
    with pytest.raises(SettingsRejected):
        make(max_staleness=seconds)


def test_a_store_on_sqlite_is_refused() -> None:
    with pytest.raises(SettingsRejected, match="PostgreSQL"):
        Replica(SqlStore.from_url("sqlite:///never.db"))
    with pytest.raises(SettingsRejected, match="PostgreSQL"):
        AsyncReplica(AsyncSqlStore.from_url("sqlite:///never.db"))
