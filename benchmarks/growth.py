"""The cost of a check while the replica grows from nothing to ten million revocations."""

from dataclasses import dataclass
from typing import Final

import pytest

from benchmarks.logs import LOGS
from benchmarks.replica import start_program
from benchmarks.table import Target, microseconds, show_table

SIZES: Final = (0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_MEMORY_MIB: Final = 250.0


@dataclass(frozen=True, slots=True)
class Point:
    """The cost of one verify of a token seen before, at one size of the replica."""

    entries: int
    without_us: float
    """Without a check of revocations."""
    with_us: float
    mib: float
    """The memory that the entries take."""


def measure_growth(*, rounds: int, part: int = 1) -> list[Point]:
    """Measure every size and print the table; nothing where there is no Redis."""
    sizes = [size // part for size in SIZES]
    try:
        with LOGS["Redis"]() as (url, _):
            found = start_program("grow", url, rounds, *sizes)()
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        print(f"\nA growing replica: {reason}")
        return []
    points = [
        Point(int(each["entries"]), each["without"], each["with"], each["mib"]) for each in found
    ]
    rows = [
        [
            f"{point.entries:,}",
            microseconds(point.without_us),
            microseconds(point.with_us),
            f"{point.mib:.0f}",
        ]
        for point in points
    ]
    title = "HS256 verify of 300 tokens seen before, by turns: median microseconds"
    show_table(title, ["revocations", "no check", "replica", "MiB"], rows)
    return points


def memory_target(points: list[Point], *, part: int = 1) -> Target:
    """The memory of the largest replica."""
    what, wanted = f"memory of {SIZES[-1] // part:,} entries", f"<= {_MEMORY_MIB:g} MiB"
    if not points:
        return Target(what, "-", wanted, None)
    return Target(what, f"{points[-1].mib:.0f} MiB", wanted, points[-1].mib <= _MEMORY_MIB)
