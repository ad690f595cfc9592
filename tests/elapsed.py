"""Elapsed times of two kinds of calls, and whether one kind takes longer."""

from bisect import bisect_left, bisect_right
from statistics import median, quantiles

from tests.budget import LONG

SAMPLES = 2_000 if LONG else 40
APART = 0.05
"""Of a pair of times each is the longer one in half of the cases, give or take: with 2,000 times
of each kind, chance explains 0.009, and 0.05 is more than five times as much."""


def share_longer(times: list[float], others: list[float]) -> float:
    """How often one of these times is longer than one of the others; a half if they are alike."""
    others = sorted(others)
    counts = (bisect_left(others, each) + bisect_right(others, each) for each in times)
    return sum(counts) / (2 * len(times) * len(others))


def told(times: list[float]) -> str:
    """10 %, the median and 90 % in microseconds."""
    first, *_, last = quantiles(times, n=10)
    return " ".join(f"{each * 1_000_000:.0f}" for each in (first, median(times), last))
