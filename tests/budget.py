"""How long tests take and wait. `make long` sets `GATEPASS_TEST_LONG`, to 10 say."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

LONG = int(os.environ.get("GATEPASS_TEST_LONG", "0"))
TIMES = max(LONG, 1)
"""Races and the like run so many times as many rounds."""
PATIENCE_S = 120.0
"""After so long a test gives up on something that should happen at some time."""
BRIEF_S = 0.3
"""So long a store waits for something that never comes."""


def require_short(took_s: float, limit_s: float) -> None:
    """A duration is a claim about an idle machine, so only `make long` checks it.

    Everywhere else the test shows that the operation ends, and how.
    """
    if LONG:
        assert took_s < limit_s, f"took {took_s:.2f} s"


def until(condition: Callable[[], object], told: Callable[[], str] = str) -> None:
    """Wait for what somebody else does; `told` explains why it did not happen."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.01)


@contextmanager
def patience(wait_s: float = PATIENCE_S) -> Iterator[None]:
    """Has the SQL stores wait for long: a race is about order, and the machine may be busy."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("deadline", "sql.engines", "sql.postgres.waiting"):
            patch.setattr(f"gatepass.stores.{module}.WAIT_S", wait_s)
        yield


@contextmanager
def impatience() -> Iterator[None]:
    """Has the SQL stores give up soon, where nothing could come; `make long` waits in full."""
    if LONG:
        yield
    else:
        with patience(BRIEF_S):
            yield
