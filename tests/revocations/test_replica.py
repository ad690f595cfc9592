"""A replica on every database, in both twins: what it knows, and when."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.revocations import AsyncReplica, Replica, reader_tasks, reader_threads
from gatepass.revocations import state as states
from gatepass.revocations.lease import steady_now
from gatepass.revocations.staleness import WhenStale
from gatepass.sessions import AsyncRevocations, Revocations
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import PATIENCE_S, TIMES, require_short
from tests.cases import case
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


@pytest.fixture
def patient(make: Make, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes worlds where a check that needs a read waits for it, however busy the machine is."""

    def world(**options: Any) -> World:
        world = make(**options)
        world.until_fresh()
        for module in (states, reader_tasks, reader_threads):
            monkeypatch.setattr(module, "CHECK_WAIT_S", PATIENCE_S)
        return world

    return world


def test_before_its_first_read_the_store_answers_and_then_all_of_before_is_held(
    make: Make,
) -> None:
    world = make()
    assert isinstance(world.inner, AsyncRevocations if world.is_async else Revocations)
    assert world.inner.is_async == world.is_async
    session = world.log_in()
    world.elsewhere.revoke_session(session, reason="log-out")
    tokens = [f"{number:02x}token" for number in range(40)]
    for token in tokens:
        world.elsewhere.revoke_token(token)
    assert world.replica.is_revoked(None, tokens[0])
    assert not world.replica.is_revoked(world.log_in(), "00other")

    with Replica.from_url(world.url) as other:
        world.until(lambda: world.replica.fresh() and other.fresh())
        both: list[Any] = [world.inner, other]
        for replica in both:
            assert replica.status().entries == 41
            assert replica._denylist.is_held(session, None)
            assert all(replica._denylist.is_held(None, token) for token in tokens)
        world.store.revoke_token("0atoken2")
        world.until(lambda: other._denylist.is_held(None, "0atoken2"))
    assert not world.replica.is_revoked("00missing", None)  # it knows the log and not the rows
    assert not world.replica.is_revoked(None, None)


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
    world.store.revoke_session(alive, reason="log-out", sec_hash=b"another".ljust(32))
    assert not world.replica.is_revoked(alive, None)
    world.elsewhere.revoke_all(reason="restore")
    world.until(lambda: held(alive, None))


@pytest.mark.parametrize("when_stale", WhenStale)
def test_what_this_process_revokes_counts_before_the_call_returns(
    patient: Make, when_stale: WhenStale
) -> None:
    world = patient(when_stale=when_stale)
    for number in range(2 * TIMES):
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


def test_revoking_nothing_over_and_over_does_not_keep_everybody_out(patient: Make) -> None:
    world = patient(max_staleness=60, when_stale=WhenStale.DENY)
    for _ in range(2):
        world.pause(0.05)  # the reader has begun to wait for news
        world.store.revoke_subject("nobody", reason="password")
        assert not world.replica.is_revoked("00other", "00other")

    world.elsewhere.revoke_token("00revoked")
    with Replica.from_url(world.url, when_stale=WhenStale.DENY) as new:  # waits for its first read
        assert new.is_revoked(None, "00revoked")
        assert not new.is_revoked(None, "00other")


def test_while_nothing_happens_it_stays_fresh(make: Make) -> None:
    world = make(max_staleness=0.2)
    until = steady_now() + 3 * 0.2
    while steady_now() < until:
        world.until_fresh()
        require_short(world.inner.age, 0.2)
        world.pause(0.02)

    status = world.inner.status()
    while not status.is_fresh:
        world.until_fresh()
        status = world.inner.status()
    assert (status.stale_for, status.down_for, status.why_down) == ({}, {}, None)
    assert status.to_dict()["fresh"]


def test_a_closed_replica_asks_the_store_which_ends_it_when_it_is_closed(world: World) -> None:
    world.replica.close()
    world.elsewhere.revoke_token("00late")
    assert world.replica.is_revoked(None, "00late")
    assert not world.replica.fresh()

    world.store.close()
    assert not world.inner.status().is_fresh
    with pytest.raises(StoreUnavailable):
        world.replica.is_revoked("00a", None)


def test_closing_the_store_ends_it(world: World) -> None:
    world.store.close()

    assert not world.inner.status().is_fresh
    with pytest.raises(StoreUnavailable):
        world.replica.is_revoked("00a", None)


def test_failing_open_is_said_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    how = WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED
    for kind in (Replica, AsyncReplica):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            status = kind.from_url("redis://127.0.0.1:1/0", when_stale=how).status()

        assert "fail open" in caplog.text
        assert status.fails_open
        assert status.to_dict()["when_stale"] == "accept_tokens_that_may_be_revoked"


def test_a_staleness_out_of_bounds_and_a_store_on_sqlite_are_refused() -> None:
    for kind in (Replica, AsyncReplica):
        for seconds in (0.0, -1.0, 0.05, 61.0, float("nan")):
            with case(seconds), pytest.raises(SettingsRejected):
                kind.from_url("redis://127.0.0.1:1/0", max_staleness=seconds)
    with pytest.raises(SettingsRejected, match="PostgreSQL"):
        Replica(SqlStore.from_url("sqlite:///never.db"))
    with pytest.raises(SettingsRejected, match="PostgreSQL"):
        AsyncReplica(AsyncSqlStore.from_url("sqlite:///never.db"))
