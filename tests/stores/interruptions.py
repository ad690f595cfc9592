"""Exceptions in the middle of something, as the handlers of time limits raise them."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import FrameType
from typing import Any

OURS = ("/gatepass/stores/", "/gatepass/revocations/", "/threading.py")


class TimeLimit(BaseException):
    """What a worker's time limit raises."""


class Interrupter:
    """Raises once, at the n-th step of a kind that the running thread makes in our code.

    A step is an instruction (`opcode`), or one of the moments at which Python looks for signals
    (`call`): when a function begins, and before and after one that is written in C. Before it,
    since what waits in C looks for signals too.
    """

    def __init__(self, kind: str, place: int) -> None:
        self._kind = kind
        self._left = place

    @property
    def has_raised(self) -> bool:
        return self._left <= 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count, and swallow what was raised."""
        trace, profile = sys.gettrace(), sys.getprofile()
        try:
            if self._kind == "opcode":
                sys.settrace(self._trace)
            else:
                sys.setprofile(self._profile)
            yield
        except TimeLimit:
            pass
        finally:
            sys.settrace(trace)
            sys.setprofile(profile)

    def _step(self) -> None:
        self._left -= 1
        if not self._left:
            raise TimeLimit

    def _trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if not _is_ours(frame):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            self._step()
        return self._trace

    def _profile(self, frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call", "c_return"} and _is_ours(frame):
            self._step()


def _is_ours(frame: FrameType) -> bool:
    return any(part in frame.f_code.co_filename for part in OURS)


class Storm:
    """Signals at random moments, whose handler raises in our code, or `anywhere`."""

    def __init__(
        self, seed: int, shortest_s: float, longest_s: float, *, anywhere: bool = False
    ) -> None:
        self._anywhere = anywhere
        self._random = Random(seed)
        self._bounds = (shortest_s, longest_s)
        self._is_on = False
        self.hits = 0

    def strike(self, work: Callable[[], object]) -> None:
        """Raise at some moment of the work, once or not at all, and swallow that."""
        before = signal.signal(signal.SIGALRM, self._handle)
        try:
            try:
                self._is_on = True
                signal.setitimer(signal.ITIMER_REAL, self._random.uniform(*self._bounds))
                work()
            finally:
                self._is_on = False
        except TimeLimit:
            self.hits += 1
        finally:
            self._is_on = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _handle(self, _number: int, frame: FrameType | None) -> None:
        # not in a generator of a driver: CPython 3.11 crashes over some of those
        if self._is_on and frame is not None and (self._anywhere or _is_ours(frame)):
            raise TimeLimit
