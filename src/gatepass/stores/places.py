"""A number of places for connections, which an exception at whatever moment cannot spoil.

Time limits of workers are raised by signal handlers in the middle of anything, and so is
Ctrl-C. One that hits a semaphore of `threading` leaves its inner lock taken for ever. So nothing
is counted here, and no lock is shared: a caller is there for as long as it holds a lock of its
own in a `with` statement, which ends whatever happens. What it leaves behind is found by others.
What changes hands does so in one call of C, between whose parts Python runs no other code.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Final, Generic, TypeVar

from gatepass.errors import StoreUnavailable

R = TypeVar("R")
T = TypeVar("T")

_LOOK_S: Final = 0.05
"""How often who waits looks by itself: a call to come in is lost with its interrupted caller."""


class Seat(Generic[T]):
    """A caller: alive while `used` is held, or while a thread holds `making` to make it something.

    `held` is what only this caller uses. It is closed when the seat is left.
    """

    __slots__ = ("bell", "held", "making", "used")

    def __init__(self, used: "Lock | None" = None) -> None:
        self.used = Lock() if used is None else used
        self.making: Lock | None = None
        self.bell: Lock | None = None
        self.held: list[T] = []

    def is_over(self) -> bool:
        """Whether nobody uses it any more."""
        making = self.making
        return not self.used.locked() and (making is None or not making.locked())


class Places(Generic[T]):
    """Seats in the order in which they came: the first so many have a place, the others wait."""

    def __init__(self, count: int, close: Callable[[T], object] = bool) -> None:
        """Take the number of places, and what closes a held thing, also one that is closed."""
        self._count = count
        self._close = close
        self._queue: dict[Seat[T], None] = {}

    def __len__(self) -> int:
        """How many are there, with and without a place."""
        return len(self._queue)

    def take(self, seat: Seat[T], until: float) -> bool:
        """Wait for a place until then, on the monotonic clock; whether there was one.

        The caller holds `seat.used`, and leaves the seat before it lets go of that.
        """
        self._queue[seat] = None
        return len(self._queue) <= self._count or self._wait(seat, until)

    def leave(self, seat: Seat[T]) -> None:
        """Close what the seat still holds, and let others have its place.

        While something is being made for it, the place stays taken: until that is known.
        """
        if seat.held:
            self._close_all(seat)
        if seat.making is not None and seat.making.locked():
            return
        self._queue.pop(seat, None)
        if len(self._queue) >= self._count:
            self.tidy()

    def run(self, work: Callable[[], R], until: float, *, busy: str) -> R:
        """What the work returns, which is done in a place.

        Raises:
            StoreUnavailable: There was no place until then; `busy` says so.
        """
        seat: Seat[T] = Seat()
        with seat.used:
            try:
                if not self.take(seat, until):
                    raise StoreUnavailable(busy)
                return work()
            finally:
                self.leave(seat)

    def tidy(self) -> None:
        """Close what interrupted callers left behind, and call in who has a place now."""
        is_tidy = False
        while not is_tidy:
            is_tidy = True
            for seat in self._placed():
                if seat.is_over():
                    self._close_all(seat)
                    self._queue.pop(seat, None)
                    is_tidy = False
                    continue
                bell = seat.bell
                if bell is not None and bell.locked():
                    with suppress(RuntimeError):  # another thread was quicker
                        bell.release()

    def forget(self) -> list[T]:
        """Let go of everything that is held, without closing it; for a forked child."""
        held = [thing for seat in list(self._queue) for thing in seat.held]
        for seat in list(self._queue):
            seat.held.clear()
        self._queue.clear()
        return held

    def _wait(self, seat: Seat[T], until: float) -> bool:
        bell = Lock()
        bell.acquire()
        seat.bell = bell
        self.tidy()
        while seat not in self._placed():
            left = until - time.monotonic()
            if left <= 0:
                self.leave(seat)
                return False
            bell.acquire(timeout=min(left, _LOOK_S))
            self.tidy()
        seat.bell = None
        return True

    def _placed(self) -> list[Seat[T]]:
        return list(self._queue)[: self._count]

    def _close_all(self, seat: Seat[T]) -> None:
        for thing in list(seat.held):
            self._close(thing)
            with suppress(ValueError):  # another thread was quicker
                seat.held.remove(thing)


def move(source: list[T], target: list[T]) -> bool:
    """Move the last thing to the end of another list, in one step; whether there was one."""
    try:
        target.extend(map(list.pop, (source,)))
    except IndexError:
        return False
    return True
