"""A bounded queue before a hook that would block; events that do not fit are counted."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from inspect import iscoroutinefunction
from typing import Final

from gatepass._forks import ForkAware, watch_forks
from gatepass.events.event import Event

_SIZE: Final = 10_000
_QUIET_S: Final = 60.0
"""Seconds between two log lines about dropped events."""
_logger = logging.getLogger("gatepass")


class Batches(ForkAware):
    """A hook that hands lists of events to a function, in order, on a thread of its own.

    The thread starts with the first event. A forked child has an empty queue of its own.
    """

    def __init__(
        self,
        write: Callable[[list[Event]], object],
        *,
        size: int = _SIZE,
        most: int = 500,
        linger: float = 0.0,
    ) -> None:
        """Take the function.

        Args:
            write: Takes the events; when it raises, that is logged, and they count as dropped.
            size: How many may wait.
            most: The length of a list.
            linger: Seconds to wait for more events before a list that is not full.
        """
        self._write, self._size, self._most, self._linger = write, size, most, linger
        self._renew()
        watch_forks(self)

    def _renew(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Event] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._told, self._quiet_until = 0, 0.0
        self.dropped = 0
        """How many events were dropped, in this process."""

    def after_fork(self, *, in_child: bool) -> None:
        """Begin anew in the child: the events that wait are the parent's."""
        if in_child:
            self._renew()

    def __call__(self, event: Event) -> None:
        """Put the event into the queue, and return at once."""
        with self._changed:
            if self._closed or len(self._waiting) >= self._size:
                self.dropped += 1
                return
            self._waiting.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gatepass", daemon=True)
                self._thread.start()
            self._changed.notify()

    def drop(self, count: int) -> None:
        """Count events that the function leaves out."""
        with self._changed:
            self.dropped += count

    def log_dropped(self, *, at_once: bool = False) -> None:
        """Log how many events were dropped since the last such line, once a minute."""
        dropped, now = self.dropped, time.monotonic()
        if dropped > self._told and (at_once or now >= self._quiet_until):
            _logger.warning("events dropped: %d", dropped - self._told)
            self._told, self._quiet_until = dropped, now + _QUIET_S

    def close(self) -> None:
        """Hand over what waits, then end; events that come later are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    break
                self._changed.wait_for(self._is_due, self._linger)
                batch = [
                    self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))
                ]
            self._hand_over(batch)
        self.log_dropped(at_once=True)

    def _is_due(self) -> bool:
        return self._closed or len(self._waiting) >= self._most

    def _hand_over(self, batch: list[Event]) -> None:
        try:
            self._write(batch)
        except Exception:
            _logger.exception("the queue of events: what takes them failed")
            self.drop(len(batch))
        self.log_dropped()


class Queued(Batches):
    """A hook that calls another, which may block, for one event after the other.

    Close it when the program ends, after the manager.
    """

    def __init__(self, hook: Callable[[Event], object], size: int = _SIZE) -> None:
        """Take the hook; more events than `size` do not wait, `dropped` counts them.

        Raises:
            TypeError: The hook is a coroutine function, which has no thread to block.
        """
        if iscoroutinefunction(hook):
            raise TypeError("Queued takes a plain function: a coroutine function needs no thread")
        super().__init__(partial(_call_for_each, hook), size=size, most=1)


def _call_for_each(hook: Callable[[Event], object], events: list[Event]) -> None:
    for event in events:
        hook(event)
