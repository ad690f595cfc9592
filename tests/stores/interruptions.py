"""Exceptions that a signal handler raises in the middle of an operation."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.budget import PATIENCE_S

SOON_S = PATIENCE_S


class Interrupted(BaseException):
    """Raised by the signal handler."""


@contextmanager
def interrupted_when(condition: Callable[[], bool]) -> Iterator[None]:
    """Raise in this thread once the condition holds."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    def watch() -> None:
        until = time.monotonic() + SOON_S
        while not condition() and time.monotonic() < until:
            time.sleep(0.001)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        with pytest.raises(Interrupted):
            yield
    finally:
        watching.join()
        signal.signal(signal.SIGUSR1, before)
