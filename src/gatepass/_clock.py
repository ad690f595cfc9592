"""`wall_clock`: the default of every `now=` and `clock=`."""

import time


def wall_clock() -> float:
    """Seconds since 1970. `time.time` is looked up at every call, so that freezegun freezes it."""
    return time.time()
