"""Interleaved timing: every round times every contestant, so that noise hits all alike."""

import gc
import random
from collections.abc import Callable, Mapping
from itertools import repeat
from statistics import median
from time import perf_counter_ns

Timer = Callable[[int], float]
"""Runs its work so many times and answers how many nanoseconds one took."""

_SHARE_OF_PILOT = 3
_PILOTS = 5


def timer_of(work: Callable[[], object]) -> Timer:
    """A timer around a Python call."""

    def run(loops: int) -> float:
        turns = repeat(None, loops)
        started = perf_counter_ns()
        for _ in turns:
            work()
        return (perf_counter_ns() - started) / loops

    return run


def interleave(
    timers: Mapping[str, Timer],
    *,
    rounds: int,
    slice_ms: float = 2,
    choose: Callable[[list[float]], float] = median,
) -> dict[str, float]:
    """The microseconds of each contestant: of so many rounds the median.

    Each round runs all contestants once in a random order, each for about `slice_ms`.
    """
    loops = {name: _loops_for(timer, slice_ms) for name, timer in timers.items()}
    taken: dict[str, list[float]] = {name: [] for name in timers}
    order = list(timers)
    shuffled = random.Random(0)  # noqa: S311 - an order, not a secret
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            shuffled.shuffle(order)
            for name in order:
                taken[name].append(timers[name](loops[name]))
            gc.collect(0)
    finally:
        gc.enable()
    return {name: choose(values) / 1000 for name, values in taken.items()}


def compare(ours: Timer, base: Timer, *, rounds: int, slice_ms: float = 1) -> tuple[float, float]:
    """How many times the base ours takes, and how many microseconds more: medians of pairs.

    Each pair runs back to back, so that a machine that changes its speed meanwhile changes both.
    """
    our_loops, base_loops = _loops_for(ours, slice_ms), _loops_for(base, slice_ms)
    pairs = []
    for turn in range(rounds):
        if turn % 2:
            our_ns, base_ns = ours(our_loops), base(base_loops)
        else:
            base_ns, our_ns = base(base_loops), ours(our_loops)
        pairs.append((our_ns, base_ns))
    ratio = median(our_ns / base_ns for our_ns, base_ns in pairs)
    return ratio, median(our_ns - base_ns for our_ns, base_ns in pairs) / 1000


def _loops_for(timer: Timer, slice_ms: float) -> int:
    """How often the work fits into a slice, after warming it up.

    The fastest of a few pilots counts: after a slow one a slice would be too short to measure.
    """
    timer(_SHARE_OF_PILOT)
    once_ns = min(timer(_SHARE_OF_PILOT) for _ in range(_PILOTS))
    warm_up = max(_SHARE_OF_PILOT, min(int(slice_ms * 1e6 / max(once_ns, 1)), 20_000))
    return max(1, int(slice_ms * 1e6 / max(min(timer(warm_up) for _ in range(_PILOTS)), 1)))
