"""Places: none is lost, given twice or waited for in vain, whatever is raised and whenever."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.stores.places import Places, Seat, move
from tests.stores.interruptions import Interrupter, Storm

MOST = 5_000
SOON_S = 10.0


class Thing:
    """A connection that has to be closed, or be idle, after it was used."""

    def __init__(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


class World:
    """Two places, as many things, and how a store uses both."""

    def __init__(self) -> None:
        self.places = Places(2, close=Thing.close)
        self.idle = [Thing(), Thing()]
        self.all = list(self.idle)

    def use(self, seat: Seat[Thing], until: float) -> bool:
        """Take a place and a thing, and give both back; whether there was a place."""
        with seat.used:
            try:
                if not self.places.take(seat, until):
                    return False
                if not move(self.idle, seat.held):
                    seat.held.append(Thing())
                assert seat.held[-1].is_open
                move(seat.held, self.idle)
                return True
            finally:
                self.places.leave(seat)

    def require_whole(self) -> None:
        """Both places are there at once, a third is not; nothing is open that is not idle."""
        with ExitStack() as stack:
            seats: list[Seat[Thing]] = [Seat(), Seat(), Seat()]
            for seat in seats:
                stack.enter_context(seat.used)
            taken = [self.places.take(seat, 0) for seat in seats]
            assert taken == [True, True, False]
            for seat in seats:
                self.places.leave(seat)
        assert len(set(map(id, self.idle))) == len(self.idle) <= 2
        assert all(thing.is_open for thing in self.idle)
        assert not any(thing.is_open for thing in self.all if thing not in self.idle)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def busy(world: World) -> Iterator[threading.Event]:
    """Both places are taken by others until the event is set, and a moment later are free."""
    done, ready = threading.Event(), threading.Barrier(3)

    def hold() -> None:
        seat: Seat[Thing] = Seat()
        with seat.used:
            assert world.places.take(seat, time.monotonic() + SOON_S)
            ready.wait(SOON_S)
            done.wait(SOON_S)
            world.places.leave(seat)

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    ready.wait(SOON_S)
    yield done
    done.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("kind", ["opcode", "call"])
def test_an_exception_at_any_step_of_taking_and_giving_back(kind: str) -> None:
    for place in range(1, MOST):
        world = World()
        interrupter = Interrupter(kind, place)
        with interrupter.at_work():
            world.use(Seat(), time.monotonic() + SOON_S)
        world.require_whole()
        if not interrupter.has_raised:
            break

    assert 10 < place < MOST - 1


@pytest.mark.parametrize("kind", ["opcode", "call"])
def test_an_exception_at_any_step_of_waiting_in_vain(
    kind: str, world: World, busy: threading.Event
) -> None:
    for place in range(1, MOST):
        interrupter = Interrupter(kind, place)
        with interrupter.at_work():
            world.use(Seat(), 0)
        if not interrupter.has_raised:
            break
    busy.set()
    assert world.use(Seat(), time.monotonic() + SOON_S)

    assert 30 < place < MOST - 1


@pytest.mark.parametrize("kind", ["opcode", "call"])
def test_an_exception_at_any_step_of_leaving_keeps_nobody_waiting(kind: str) -> None:
    for place in range(1, MOST):
        places: Places[None] = Places(1)
        seat: Seat[None] = Seat()
        waiting = threading.Event()

        def wait(places: Places[None] = places, waiting: threading.Event = waiting) -> None:
            waiting.set()
            places.run(lambda: None, time.monotonic() + SOON_S, busy="busy")

        waiter = threading.Thread(target=wait)
        interrupter = Interrupter(kind, place)
        with seat.used:
            assert places.take(seat, 0)
            waiter.start()
            waiting.wait(SOON_S)
            with interrupter.at_work():
                places.leave(seat)
        begun = time.monotonic()
        waiter.join(SOON_S)
        assert not waiter.is_alive()
        assert time.monotonic() - begun < 1
        if not interrupter.has_raised:
            break

    assert 5 < place < MOST - 1


def test_a_storm_of_signals_among_busy_threads(world: World) -> None:
    storm = Storm(1, 0.00001, 0.0004)
    stop = threading.Event()
    refused = []

    def use() -> None:
        while not stop.is_set():
            refused.extend([1] * (not world.use(Seat(), time.monotonic() + SOON_S)))

    def use_often() -> None:
        for _ in range(50):
            world.use(Seat(), time.monotonic() + SOON_S)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        storm.strike(use_often)
    stop.set()
    for thread in threads:
        thread.join(SOON_S)

    assert not any(thread.is_alive() for thread in threads)
    assert storm.hits > 100
    assert not refused
    world.places.tidy()
    world.all = world.all + world.idle
    world.require_whole()


def test_no_two_callers_have_one_thing_or_more_places_than_there_are(world: World) -> None:
    inside, most, shared = [], [], []

    def use() -> None:
        for _ in range(500):
            seat: Seat[Thing] = Seat()
            with seat.used:
                assert world.places.take(seat, time.monotonic() + SOON_S)
                assert move(world.idle, seat.held)
                shared.extend([1] * (seat.held[0] in inside))
                inside.append(seat.held[0])
                most.append(len(inside))
                time.sleep(0)  # let the others on
                inside.remove(seat.held[0])
                move(seat.held, world.idle)
                world.places.leave(seat)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not shared
    assert max(most) == 2
    world.require_whole()


def test_who_came_first_is_first_served() -> None:
    places: Places[None] = Places(1)
    first: Seat[None] = Seat()
    order: list[int] = []
    threads = []
    with first.used:
        assert places.take(first, 0)
        for number in range(5):
            work = lambda number=number: order.append(number)  # noqa: E731
            begun = len(places)
            until = time.monotonic() + SOON_S
            thread = threading.Thread(target=places.run, args=(work, until), kwargs={"busy": ""})
            thread.start()
            threads.append(thread)
            while len(places) == begun:
                time.sleep(0.001)
        places.leave(first)
    for thread in threads:
        thread.join(SOON_S)

    assert order == [0, 1, 2, 3, 4]


def test_who_waits_is_refused_at_its_deadline(world: World, busy: threading.Event) -> None:
    begun = time.monotonic()

    with pytest.raises(StoreUnavailable, match="busy"):
        world.places.run(lambda: None, begun + 0.25, busy="busy")

    assert 0.25 <= time.monotonic() - begun < 1
    assert not busy.is_set()


def test_a_place_is_taken_until_what_is_made_for_it_is_known(world: World) -> None:
    seat: Seat[Thing] = Seat()
    making = seat.making = threading.Lock()
    late = Thing()
    with making:
        with seat.used:
            assert world.places.take(seat, 0)
            world.places.leave(seat)
        with ExitStack() as stack:
            others: list[Seat[Thing]] = [Seat(), Seat()]
            for other in others:
                stack.enter_context(other.used)
            assert [world.places.take(other, 0) for other in others] == [True, False]
            world.places.leave(others[0])
        seat.held.append(late)
    world.places.tidy()

    assert not late.is_open
    world.require_whole()


def test_a_child_forked_while_others_take_and_give_back_starts_afresh(world: World) -> None:
    stop = threading.Event()

    def use() -> None:
        while not stop.is_set():
            world.use(Seat(), time.monotonic() + SOON_S)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    codes = []
    for _ in range(100):
        child = os.fork()
        if child == 0:
            world.places.forget()
            os._exit(0 if all(world.use(Seat(), 0) for _ in range(3)) else 1)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    stop.set()
    for thread in threads:
        thread.join()

    assert codes == [0] * 100
