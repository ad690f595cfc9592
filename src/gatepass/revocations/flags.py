"""A flag that threads wait for, which an exception at whatever moment cannot spoil.

`threading.Event` and `Condition` are written in Python: a caller that a signal handler's exception
hits inside one keeps its inner lock for ever, and whoever sets or tells anything waits for that.
"""

from contextlib import suppress
from threading import Lock


class Flag:
    """Down until it is set, by whomever; then up for good."""

    __slots__ = ("_down", "_is_up")

    def __init__(self) -> None:
        self._is_up = False
        self._down = Lock()
        self._down.acquire()

    def set(self) -> None:
        """Let everybody go on who waits, and who will."""
        self._is_up = True
        with suppress(RuntimeError):  # the lock is free already
            self._down.release()

    def is_set(self) -> bool:
        """Whether it is up."""
        return self._is_up

    def wait(self, seconds: float) -> None:
        """Wait until it is up, but no longer than that."""
        if self._down.acquire(timeout=seconds):
            self.set()
