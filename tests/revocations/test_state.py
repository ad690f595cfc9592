"""In which order things are looked at, and what is told of what is stale or down."""

import logging
from collections.abc import Callable
from math import inf

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations import lease as leases
from gatepass.revocations import state as states
from gatepass.revocations.denylist import Denylist
from gatepass.revocations.staleness import WhenStale
from gatepass.revocations.state import CutOff, ReplicaState

PARTITIONS = [f"partition {number}" for number in range(16)]


class Hand:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    for module in (states, leases):
        monkeypatch.setattr(module, "steady_now", hand)
    return hand


class Interrupted(Denylist):
    """Something happens between the look at the copy and what follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] = lambda: None

    def is_held(self, session_id: str | None, token_id: str | None) -> bool:
        found = super().is_held(session_id, token_id)
        self.meanwhile()
        return found


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> tuple[ReplicaState, Interrupted]:
    monkeypatch.setattr(states, "Denylist", Interrupted)
    state = ReplicaState(["log"], 2)
    assert isinstance(state.denylist, Interrupted)
    return state, state.denylist


def test_a_read_that_ends_during_a_check_vouches_for_nothing_looked_up_before(
    hand: Hand, interrupted: tuple[ReplicaState, Interrupted]
) -> None:
    state, denylist = interrupted

    def arrive() -> None:
        state.revoked("t", "t1")
        state.read(0, hand.now)

    denylist.meanwhile = arrive

    assert state.judge(None, "t1") is None
    assert state.judge(None, "t1") is True
    assert state.judge(None, "t2") is False


def test_a_process_that_sleeps_during_a_check_is_not_believed(
    hand: Hand, interrupted: tuple[ReplicaState, Interrupted]
) -> None:
    state, denylist = interrupted
    state.read(0, hand.now)
    assert state.judge(None, "t1") is False

    def sleep() -> None:
        hand.now += 600

    denylist.meanwhile = sleep

    assert state.judge(None, "t1") is None


def test_only_ids_of_a_stale_partition_are_not_known(hand: Hand) -> None:
    state = ReplicaState(PARTITIONS, 2)
    for partition in range(15):
        state.read(partition, hand.now)

    assert state.judge("00session", "10token") is False
    assert state.judge("0fsession", None) is None
    assert state.judge("00session", "0ftoken") is None
    assert state.judge(None, None) is False


def test_what_is_stale_or_down_is_told_by_name_with_seconds(hand: Hand) -> None:
    state = ReplicaState(PARTITIONS, 2)
    for partition in range(16):
        state.read(partition, hand.now)
    assert state.status(WhenStale.ASK).is_fresh
    hand.now += 1
    state.fail(3, StoreUnavailable("no answer"))
    for partition in range(16):
        if partition != 3:
            state.read(partition, hand.now)
    hand.now += 1.5

    status = state.status(WhenStale.DENY)
    assert not status.is_fresh
    assert status.age == 2.5
    assert status.stale_for == {"partition 3": 0.5}
    assert status.down_for == {"partition 3": 1.5}
    assert status.why_down == "no answer"
    assert status.to_dict()["stale_for"] == {"partition 3": 0.5}


def test_an_age_before_the_first_read_has_a_form_in_json() -> None:
    status = ReplicaState(["log"], 2).status(WhenStale.ASK)

    assert status.age == inf
    assert status.to_dict()["age"] is None
    assert not status.fails_open


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    hand: Hand, caplog: pytest.LogCaptureFixture
) -> None:
    state = ReplicaState(["log"], 2)
    with caplog.at_level(logging.WARNING):
        state.fail(0, StoreUnavailable("no answer"))
        state.fail(0, StoreUnavailable("no answer"))
        hand.now += 7
        state.read(0, hand.now)

    assert [record.getMessage() for record in caplog.records] == [
        "the revocation log cannot be read: log: no answer",
        "the revocation log is read again: log after 7.0 s",
    ]


def test_a_server_that_may_have_been_replaced_is_not_asked_until_it_is_read_again() -> None:
    state = ReplicaState(PARTITIONS, 2)
    state.fail(3, CutOff("cut off"))
    state.fail(3, StoreUnavailable("no answer"))

    assert not state.may_ask("03session", None)
    assert not state.may_ask("04session", "03token")
    assert state.may_ask("04session", None)
    state.read(3, 1000)
    assert state.may_ask("03session", None)


def test_the_child_of_a_fork_believes_nothing_that_its_parent_read(hand: Hand) -> None:
    state = ReplicaState(["log"], 2)
    state.read(0, hand.now)
    state.revoked("t", "t1")
    state.after_fork(in_child=True)

    assert state.judge(None, "t1") is True
    assert state.judge(None, "t2") is None
