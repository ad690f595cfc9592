"""Slots: as many as there are, in turn, and none lost with a caller that goes without leaving."""

import os
import threading
import time
from weakref import ref

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.stores.slots import Slot, Slots
from tests.stores.interruptions import SOON_S, interrupted_when


def soon() -> float:
    return time.monotonic() + SOON_S


def until_waiting(slots: Slots, count: int) -> None:
    until = soon()
    while slots.waiting() != count:
        assert time.monotonic() < until
        time.sleep(0.001)


def taken(slots: Slots) -> Slot:
    slot = slots.take(soon())
    assert slot is not None
    return slot


def test_there_are_as_many_as_were_asked_for() -> None:
    slots = Slots(2)
    first, second = taken(slots), taken(slots)

    assert slots.take(0) is None
    assert slots.take(time.monotonic() + 0.01) is None
    assert slots.waiting() == 0
    slots.leave(first)
    assert taken(slots) is first
    assert second is not first


def test_a_caller_in_vain_is_told_so() -> None:
    slots = Slots(1)

    assert slots.run(lambda: "done", soon(), busy="busy") == "done"
    slot = taken(slots)
    with pytest.raises(StoreUnavailable, match="busy"):
        slots.run(lambda: "done", 0, busy="busy")
    slots.leave(slot)


def test_callers_are_served_in_the_order_in_which_they_came() -> None:
    slots, order = Slots(1), list[int]()
    slot = taken(slots)
    threads = []
    for number in range(5):
        work = lambda number=number: order.append(number)  # noqa: E731
        thread = threading.Thread(target=slots.run, args=(work, soon()), kwargs={"busy": ""})
        thread.start()
        threads.append(thread)
        until_waiting(slots, number + 1)
    slots.leave(slot)
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2, 3, 4]


def test_a_slot_that_nobody_refers_to_is_free_and_called_for() -> None:
    slots = Slots(1)
    slot: Slot | None = taken(slots)
    waiter = threading.Thread(target=slots.run, args=(int, soon()), kwargs={"busy": "busy"})
    waiter.start()
    until_waiting(slots, 1)
    assert slot is not None
    slot = None
    waiter.join(SOON_S)

    assert not waiter.is_alive()
    assert slots.free() == 1


def test_an_interrupted_caller_leaves_the_line() -> None:
    slots = Slots(1)
    slot = taken(slots)
    with interrupted_when(lambda: slots.waiting() == 1):
        slots.take(soon())

    assert slots.waiting() == 0
    slots.leave(slot)
    assert slots.free() == 1


def test_nothing_is_left_of_slots_that_nobody_keeps() -> None:
    slots = Slots(2)
    gone, slot = ref(slots), taken(slots)
    del slots

    assert gone() is None
    del slot


def test_many_threads_never_have_one_slot_twice_and_lose_none() -> None:
    slots, inside, most = Slots(2), list[Slot](), list[int]()

    def use() -> None:
        for number in range(500):
            slot = taken(slots)
            assert slot not in inside
            inside.append(slot)
            most.append(len(inside))
            time.sleep(0)
            inside.remove(slot)
            if number % 3:
                slots.leave(slot)
            del slot

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(most) == 3000
    assert max(most) == 2
    assert slots.free() == 2


def test_a_child_forked_while_others_wait_can_make_its_own() -> None:
    slots, stop = Slots(1), threading.Event()

    def use() -> None:
        while not stop.is_set():
            slots.leave(taken(slots))

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    codes = []
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0 if Slots(1).take(0) else 1)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    stop.set()
    for thread in threads:
        thread.join()

    assert codes == [0] * 20
