"""Faults and timings that would have a copy forget what it holds, or nobody read for it again."""

import json
import logging
import threading
import time
from array import array
from collections.abc import Iterator
from typing import Any

import pytest

from gatepass.revocations import denylist as denylists
from gatepass.revocations import fingerprints
from gatepass.revocations.alarm import Alarm
from gatepass.revocations.denylist import Denylist, Entry
from gatepass.revocations.fingerprints import TABLES, Fingerprints
from gatepass.revocations.lease import Lease, steady_now
from gatepass.revocations.postgres_cursor import PostgresCursor
from gatepass.revocations.reader_threads import ReaderThreads
from gatepass.revocations.state import ReplicaState
from tests.budget import PATIENCE_S
from tests.threads import ours

NOW = 1_800_000_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


class ScarceMemory:
    """Makes arrays as long as there is memory for them."""

    def __init__(self) -> None:
        self.left = 10**9

    def __call__(self, *arguments: Any) -> "array[int]":
        if self.left <= 0:
            raise MemoryError
        self.left -= 1
        return array(*arguments)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> ScarceMemory:
    memory = ScarceMemory()
    monkeypatch.setattr(fingerprints, "array", memory)
    return memory


def merge(copy: Denylist, entries: Iterator[Entry], retention_ms: int = 60 * MINUTE) -> None:
    copy.merge(list(entries), store_ms=NOW, retention_ms=retention_ms, now_ms=NOW)


def tokens(count: int) -> Iterator[Entry]:
    return (("t", f"t{number}", NOW) for number in range(count))


def merge_often(copy: Denylist) -> None:
    for _ in range(20):
        merge(copy, tokens(0))


def test_two_revocations_at_the_same_time_do_not_make_an_earlier_read_believed() -> None:
    lease = Lease(1, 2)
    lease.void(101)
    lease.void(100)  # looked at the clock earlier, and came later
    lease.renew(0, 100.5)

    assert not lease.covers(0, 100.6)


@pytest.mark.parametrize("left", [0, 1, 2, 500])
def test_memory_that_runs_out_while_ids_become_fingerprints_lets_nobody_in(
    memory: ScarceMemory, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setattr(denylists, "COMPACT_ABOVE", 20_000)
    copy = Denylist()
    merge(copy, tokens(20_000))
    assert copy.table is not None
    memory.left = left
    with pytest.raises(MemoryError):
        merge_often(copy)
    memory.left = 10**9
    merge_often(copy)

    assert not copy.tokens
    assert all(copy.is_held(None, f"t{number}") for number in range(20_000))


def test_memory_that_runs_out_in_a_sweep_leaves_no_table_that_fills_up(
    memory: ScarceMemory,
) -> None:
    table = Fingerprints()
    for number in range(8):
        table.add(number * TABLES + TABLES, number)
    memory.left = 0
    with pytest.raises(MemoryError):
        table.sweep(TABLES, 5)

    assert len(table) == 8


def test_a_fork_waits_for_a_merge_that_is_under_way() -> None:
    copy = Denylist()
    begun, go_on = threading.Event(), threading.Event()

    class Slow(list[Entry]):
        def __iter__(self) -> Iterator[Entry]:
            yield "t", "first", NOW
            begun.set()
            assert go_on.wait(PATIENCE_S)
            yield "t", "last", NOW

    times = {"store_ms": NOW, "retention_ms": 60 * MINUTE, "now_ms": NOW}
    thread = threading.Thread(target=copy.merge, args=(Slow(),), kwargs=times)
    thread.start()
    assert begun.wait(PATIENCE_S)
    threading.Timer(0.1, go_on.set).start()
    copy.before_fork()
    assert copy.is_held(None, "last")
    copy.after_fork(in_child=False)
    thread.join()
    copy.hold("s", "s1", NOW)
    copy.before_fork()
    copy.after_fork(in_child=True)
    copy.hold("s", "s2", NOW)
    assert copy.is_held("s2", None)


def test_a_child_forked_while_a_loss_is_logged_reads_the_other_log_from_its_start() -> None:
    cursor = PostgresCursor(Denylist(), Alarm())

    def take(identity: str) -> None:
        page = json.dumps([("7", 1, "t", "a", NOW)])
        cursor.take([(False, "8:8:", "server", identity, MINUTE, NOW, True, page)], 5_000_000)

    class Forking(logging.Handler):
        seen: str | None = None

        def emit(self, _record: logging.LogRecord) -> None:
            self.seen = cursor.resumed().values()[0]

    take("first")
    handler = Forking()
    logging.getLogger("gatepass").addHandler(handler)
    try:
        take("second")
    finally:
        logging.getLogger("gatepass").removeHandler(handler)

    assert handler.seen == "3:3:"


class FailingFirst:
    """A reader whose first read fails."""

    def __init__(self) -> None:
        self.reads = 0
        self.closed = 0

    def read(self, _wait_s: float) -> float:
        self.reads += 1
        if self.reads == 1:
            raise OSError
        time.sleep(0.01)
        return steady_now()

    def close(self) -> None:
        self.closed += 1

    def abandon(self) -> None:
        """There is nothing to let go of."""


def until_fresh(state: ReplicaState, readers: ReaderThreads) -> None:
    until = time.monotonic() + PATIENCE_S
    while not state.covers(None, "t"):
        assert time.monotonic() < until
        readers.ensure()
        time.sleep(0.01)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_log_filter_that_fails_kills_the_thread_and_another_reads_on() -> None:
    def fail(_record: logging.LogRecord) -> bool:
        raise ValueError

    log = logging.getLogger("gatepass")
    state, reader = ReplicaState(["log"], 2), FailingFirst()
    readers = ReaderThreads(state, lambda _: reader)
    log.addFilter(fail)
    try:
        readers.ensure()
        until_fresh(state, readers)
    finally:
        log.removeFilter(fail)
        readers.stop()
        readers.join()

    assert reader.closed >= 1


@pytest.mark.parametrize("missing", ["gatepass-revocations-0", "gatepass-revocations-1"])
def test_a_system_without_threads_left_makes_a_copy_stale_and_starts_no_more_of_them(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    of_others = ours()
    state, reader = ReplicaState(["log", "other"], 2), FailingFirst()
    readers = ReaderThreads(state, lambda _: reader)
    start = threading.Thread.start

    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    def one_fails(thread: threading.Thread) -> None:
        fail() if thread.name == missing else start(thread)

    with monkeypatch.context() as scarce:
        scarce.setattr(threading.Thread, "start", one_fails)
        readers.ensure()
    assert state.judge(None, "00t") is None
    assert not readers.is_running()
    readers.ensure()
    assert readers.is_running()
    readers.stop()
    readers.join()
    assert ours() <= of_others
