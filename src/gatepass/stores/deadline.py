"""The time limit that all waiting of one operation shares, also across threads."""

import time
from contextvars import ContextVar
from typing import Final

WAIT_S: Final = 1.9
"""All waiting of one operation together, so that it answers within two seconds."""

DEADLINE: Final[ContextVar[float | None]] = ContextVar("gatepass_deadline", default=None)
"""When the current operation must stop waiting, if it began in another thread."""


def find_deadline() -> float:
    """When the operation that begins now, or began in another thread, must stop waiting."""
    deadline = DEADLINE.get()
    return time.monotonic() + WAIT_S if deadline is None else deadline
