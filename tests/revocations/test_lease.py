"""The lease: from the sending of a complete read on, no longer, for each partition by itself."""

import time
from math import inf

from gatepass.revocations.lease import Lease, steady_ms, steady_now


def test_nothing_is_believed_before_it_was_read() -> None:
    lease = Lease(1, 2)

    assert lease.until == -inf
    assert not lease.covers(0, 0)
    assert lease.age(0, 5) == inf


def test_a_read_is_believed_from_when_it_was_sent_off() -> None:
    lease = Lease(1, 2)
    lease.renew(0, 100)

    assert lease.until == 102
    assert lease.covers(0, 101.9)
    assert not lease.covers(0, 102)
    assert lease.age(0, 101) == 1


def test_an_answer_that_comes_late_takes_nothing_back() -> None:
    lease = Lease(1, 2)
    lease.renew(0, 100)
    lease.renew(0, 99)

    assert lease.until == 102


def test_a_dead_part_of_the_log_makes_only_its_own_ids_stale() -> None:
    lease = Lease(3, 2)
    lease.renew(0, 100)
    lease.renew(1, 100)
    lease.renew(2, 100)
    lease.renew(0, 110)

    assert lease.until == 102
    assert [lease.covers(partition, 111) for partition in range(3)] == [True, False, False]


def test_after_a_local_revocation_only_later_reads_are_believed() -> None:
    lease = Lease(2, 2)
    lease.renew(0, 100)
    lease.renew(1, 100)

    lease.void(100.5)
    assert lease.until == -inf
    assert not lease.covers(0, 100.6)
    lease.renew(0, 100.4)
    assert not lease.covers(0, 100.6)
    lease.renew(0, 100.5)
    assert lease.covers(0, 100.6)
    assert lease.until == -inf
    lease.renew(1, 100.7)
    assert lease.until == 102.5


def test_a_lapsed_lease_begins_anew() -> None:
    lease = Lease(1, 2)
    lease.renew(0, 100)
    lease.lapse()

    assert lease.until == -inf


def test_the_clock_counts_sleep_where_the_system_can_tell() -> None:
    wanted = time.CLOCK_BOOTTIME if hasattr(time, "CLOCK_BOOTTIME") else time.CLOCK_MONOTONIC

    before = time.clock_gettime(wanted)
    assert before <= steady_now() <= time.clock_gettime(wanted)
    assert int(before * 1000) <= steady_ms() <= time.clock_gettime(wanted) * 1000
