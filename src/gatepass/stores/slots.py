"""A fixed number of slots, handed out in turn and with a deadline.

1. A slot is free, waited for, or referred to by its user: it moves by one call of C each time,
   so two callers never have the same one.
2. A caller that waits has a queue of its own in the line. `leave` hands the slot to the first.
3. An exception that a signal handler raises (a worker's time limit, Ctrl-C) may hit between any
   two instructions. A slot that its caller then cannot leave is free again when the last
   reference to it goes, at the latest when the caller's traceback is dropped. So an interrupted
   caller may cost one slot until its connection is closed.
4. Nobody waits without a timeout, and no lock of `threading` is shared: most of those are
   written in Python, and a caller that is hit inside one keeps its inner lock for ever.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, TypeVar
from weakref import ref

from gatepass.errors import StoreUnavailable

R = TypeVar("R")

_HANDED_S: Final = 0.1
"""How long a slot takes at most from the line to a caller whose time is up."""


class Slot:
    """One slot; it is free again when it is left, or else when nobody refers to it."""

    __slots__ = ("_slots",)

    def __init__(self, slots: "ref[Slots]") -> None:
        self._slots = slots

    def __del__(self) -> None:
        if (slots := self._slots()) is not None:
            slots.leave(Slot(self._slots))


class Slots:
    """Makes callers wait while all slots are in use."""

    def __init__(self, count: int) -> None:
        self._free = [Slot(ref(self)) for _ in range(count)]
        self._line: deque[SimpleQueue[Slot]] = deque()

    def free(self) -> int:
        """How many slots nobody uses."""
        return len(self._free)

    def waiting(self) -> int:
        """How many callers wait."""
        return len(self._line)

    def take(self, until: float) -> Slot | None:
        """A slot for the caller to leave; `None`: none was free until then (monotonic clock)."""
        if not self._line:
            try:  # `suppress` costs a rotation on SQLite a microsecond
                return self._free.pop()
            except IndexError:
                pass
        if until <= time.monotonic():
            return None
        turn: SimpleQueue[Slot] = SimpleQueue()
        self._line.append(turn)
        try:
            self._hand_out()  # a slot may have been left meanwhile
            return turn.get(timeout=max(until - time.monotonic(), 0))
        except Empty:
            return self._give_up(turn)
        except BaseException:
            with suppress(ValueError):
                self._line.remove(turn)
            raise

    def leave(self, slot: Slot) -> None:
        """Let another caller have it."""
        self._free.append(slot)
        if self._line:
            self._hand_out()

    def run(self, work: Callable[[], R], until: float, *, busy: str) -> R:
        """The result of the work, which is done in a slot.

        Raises:
            StoreUnavailable: No slot was free until then; `busy` says so.
        """
        slot = self.take(until)
        if slot is None:
            raise StoreUnavailable(busy)
        try:
            return work()
        finally:
            self.leave(slot)

    def _hand_out(self) -> None:
        while self._line and self._free:
            try:
                slot = self._free.pop()
            except IndexError:  # another thread was quicker
                return
            try:
                turn = self._line.popleft()
            except IndexError:
                self._free.append(slot)
                continue
            turn.put(slot)

    def _give_up(self, turn: "SimpleQueue[Slot]") -> Slot | None:
        try:
            self._line.remove(turn)
        except ValueError:  # another thread has just called it
            with suppress(Empty):
                return turn.get(timeout=_HANDED_S)
        return None
