"""The queue before a hook that blocks."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gatepass.events import Event, EventKind, Queued
from gatepass.events.queued import Batches
from tests.budget import PATIENCE_S


def event(number: int) -> Event:
    return Event(kind=EventKind.REFRESHED, at=float(number))


class Slow(list[float]):
    """A hook that blocks until it may go on."""

    def __init__(self) -> None:
        self.may_go, self.is_in = threading.Event(), threading.Event()

    def __call__(self, event: Event) -> None:
        self.is_in.set()
        assert self.may_go.wait(PATIENCE_S)
        self.append(event.at)


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.may_go.set()


def test_events_arrive_in_order_and_a_caller_never_waits(slow: Slow) -> None:
    queued = Queued(slow, 100)
    for number in range(100):
        queued(event(number))
    slow.may_go.set()
    queued.close()

    assert slow == [float(number) for number in range(100)]
    assert queued.dropped == 0


def test_what_does_not_fit_is_counted_and_logged(
    slow: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    queued = Queued(slow, 2)
    queued(event(0))
    assert slow.is_in.wait(PATIENCE_S)  # one under way, two wait
    for number in range(1, 8):
        queued(event(number))
    slow.may_go.set()
    queued.close()

    assert (slow, queued.dropped) == ([0.0, 1.0, 2.0], 5)
    assert "events dropped: 5" in caplog.messages
    queued(event(9))
    assert queued.dropped == 6


def test_dropped_events_are_logged_once_in_a_while_and_at_the_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepass.events.queued._QUIET_S", PATIENCE_S * 10)
    batches = Batches(lambda events: batches.drop(len(events)), most=1)
    for number in range(9):
        batches(event(number))
    batches.close()

    assert batches.dropped == 9
    assert caplog.messages == ["events dropped: 1", "events dropped: 8"]


def test_a_hook_that_fails_gets_the_next_event(caplog: pytest.LogCaptureFixture) -> None:
    seen = []

    def hook(event: Event) -> None:
        seen.append(event.at)
        if not event.at:
            raise RuntimeError("full")

    queued = Queued(hook)
    queued(event(0))
    queued(event(1))
    queued.close()
    queued.close()

    assert (seen, queued.dropped) == ([0.0, 1.0], 1)
    assert "the queue of events: what takes them failed" in caplog.messages


def test_events_that_wait_come_together(slow: Slow) -> None:
    lists: list[list[float]] = []

    def write(events: list[Event]) -> None:
        slow(events[0])
        lists.append([each.at for each in events])

    batches = Batches(write, most=3, linger=PATIENCE_S)
    for number in range(7):
        batches(event(number))
    slow.may_go.set()
    batches.close()

    assert lists == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0]]


def test_a_queue_that_nobody_used_closes() -> None:
    Queued(print).close()


def test_a_coroutine_function_needs_no_queue() -> None:
    async def hook(_: Event) -> None: ...

    with pytest.raises(TypeError, match="Queued takes a plain function"):
        Queued(hook)


@contextmanager
def forked() -> Iterator[int]:
    """The child runs the block too; it must end in `os._exit`."""
    pid = os.fork()
    yield pid
    if pid:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_has_a_queue_of_its_own(slow: Slow) -> None:
    queued = Queued(slow)
    queued(event(0))
    queued(event(1))
    with forked() as pid:
        if not pid:
            slow.may_go.set()
            queued(event(2))
            queued.close()
            os._exit(0 if slow == [2.0] else 1)
    slow.may_go.set()
    queued.close()

    assert slow == [0.0, 1.0]


def test_the_queue_of_a_child_is_empty(slow: Slow) -> None:
    queued = Queued(slow)
    queued(event(0))
    queued.after_fork(in_child=False)
    assert slow.is_in.wait(PATIENCE_S)
    queued(event(1))
    queued.after_fork(in_child=True)  # as in a child, which has no thread
    queued.close()

    assert (slow, queued.dropped) == ([], 0)
