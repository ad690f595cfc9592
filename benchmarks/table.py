"""Prints tables, and the targets with whether they were met."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One promise about speed, what was measured, and whether it holds."""

    what: str
    measured: str
    wanted: str
    is_met: bool | None
    """`None`: there was nothing to compare with."""

    @property
    def verdict(self) -> str:
        """The word that the table shows."""
        return "not measured" if self.is_met is None else "met" if self.is_met else "MISSED"


def show_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: first column to the left, the others to the right."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    print(f"\n{title}")
    for row in cells:
        first, *rest = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join([first, *rest]).rstrip())


def show_targets(targets: Sequence[Target]) -> None:
    """Print all targets of a run."""
    rows = [(target.what, target.measured, target.wanted, target.verdict) for target in targets]
    show_table("Targets", ("", "measured", "target", ""), rows)


def microseconds(value: float | None) -> str:
    """A time as the tables show it; nothing where there is none."""
    return "-" if value is None else f"{value:.2f}"


def times_faster(what: str, ours: float, theirs: float | None, at_least: float) -> Target:
    """A target of being so many times faster than a peer."""
    wanted = f">= {at_least:g}x"
    if theirs is None:
        return Target(what, "-", wanted, None)
    return Target(what, f"{theirs / ours:.2f}x", wanted, theirs / ours >= at_least)
