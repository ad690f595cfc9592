"""A clock that stands still until a test moves it."""

import time
from datetime import timedelta


class Clock:
    """Give it as `now=` to managers and `Auth`, and as `clock=` to stores."""

    def __init__(self, now: float | None = None) -> None:
        self.now = float(int(time.time())) if now is None else now
        """Seconds since 1970; a test may set it."""

    def __call__(self) -> float:
        """The time that it shows."""
        return self.now

    def advance(self, by: timedelta | float) -> None:
        """Move on by a timedelta or by seconds; backwards too."""
        self.now += by.total_seconds() if isinstance(by, timedelta) else by
