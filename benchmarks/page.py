"""Writes the measured parts of docs/performance.md and its charts."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.charts import growth_chart, verify_chart
from benchmarks.growth import Point
from benchmarks.scene import ALGORITHMS
from benchmarks.seen import ALONE, SEEN
from benchmarks.signatures import Signatures, label
from benchmarks.table import microseconds

PAGE: Final = Path(__file__).parent.parent / "docs" / "performance.md"
VERIFY, GROWTH = "performance-verify.svg", "performance-revocations.svg"
_CHARTED: Final = {
    ALONE: "gatepass, seen before",
    "gatepass": "gatepass, first time",
    "ryjwt": "ryjwt",
    "fast-jwt": "fast-jwt (Node)",
    "joserfc": "joserfc",
    "PyJWT": "PyJWT",
}
ROWS: Final = {
    "gatepass": "gatepass, first time",
    **{name: f"gatepass, {words}" for name, words in SEEN.items()},
    **{name: words for name, words in _CHARTED.items() if "gatepass" not in words},
    "jsonwebtoken": "jsonwebtoken (Node)",
    "bare": "the bare signature (`cryptography`)",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that the page shows."""

    signatures: Signatures
    growth: Sequence[Point]


def write_page(page: Path, measured: Measured) -> None:
    """Replace the measured parts of the page, and both charts beside it."""
    medians = measured.signatures.medians
    groups = {
        label(algorithm): [medians["verify", algorithm].get(name) for name in _CHARTED]
        for algorithm in ALGORITHMS
    }
    (page.parent / VERIFY).write_text(verify_chart(list(_CHARTED.values()), groups))
    if measured.growth:
        (page.parent / GROWTH).write_text(growth_chart(measured.growth))
        write_section(page, "growth", growth_table(measured.growth))
    write_section(page, "verify", verify_table(measured.signatures))
    write_section(page, "run", run_list(measured.signatures))


def write_section(page: Path, name: str, lines: Sequence[str]) -> None:
    """Replace the lines between `<!-- name -->` and `<!-- end of name -->`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = page.read_text()
    pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    assert len(pattern.findall(text)) == 1, name
    body = "\n".join((begin, "", *lines, "", end))
    page.write_text(pattern.sub(lambda _: body, text))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown; all but its first column stand to the right."""
    rule = "|---|" + "---:|" * (len(head) - 1)
    return [_row(head), rule, *map(_row, rows)]


def verify_table(signatures: Signatures) -> list[str]:
    """Each contestant's microseconds, and how many times PyJWT takes."""
    rows = []
    for name, words in ROWS.items():
        cells = []
        for algorithm in ALGORITHMS:
            taken = signatures.medians["verify", algorithm]
            value, peer = taken.get(name), taken.get("PyJWT")
            ratio = f" ({peer / value:.1f}×)" if value and peer and name != "PyJWT" else ""
            cells.append(microseconds(value) + ratio)
        rows.append([words, *cells])
    return table(["verify, µs", *map(label, ALGORITHMS)], rows)


def growth_table(points: Sequence[Point]) -> list[str]:
    """The cost at each size of the replica."""
    rows = [
        [
            f"{point.entries:,}",
            microseconds(point.without_us),
            microseconds(point.with_us),
            f"{point.mib:.0f}",
        ]
        for point in points
    ]
    return table(["revocations", "no check, µs", "replica, µs", "memory, MiB"], rows)


def run_list(signatures: Signatures) -> list[str]:
    """The machine and the versions of one run."""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    words = signatures.words.items()
    return [
        f"* {system}, Python {platform.python_version()}",
        *(f"* {name}: {word}" for name, word in words),
    ]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
