"""The report of a chaos run, as a document."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.chaos.history import Figures

REPORT = "GATEPASS_CHAOS_REPORT"
"""Where to write the report, if at all."""
_HEAD = """# Chaos

Written by `make chaos REPORT=1`; an ordinary run checks all but durations, and writes nothing.

Two writers, processes of their own, revoke tokens, sessions and subjects; two or three verifiers,
processes too, check everything that was acknowledged against their replicas, several times, on
top of tokens that nobody revoked. Meanwhile something breaks. Every verdict is judged afterwards
against the history of acknowledgements, on one clock of the machine.

* *Late* counts revoked tokens let in by checks that began later than the bound after the
  acknowledgement. The bound is `max_staleness`, 2 s, and what a partition adds to it where there
  is one: 3 s under Sentinel, the node time-out in a Cluster. On SQLite it is nothing at all.
* *Visible after* is the longest time between an acknowledgement and a check that still let the
  token in. Checks begin at once, after 0.05, 0.3 and 1 s, and from the bound on: what lies
  between two of them is not seen.
* *Lost* counts what was acknowledged and the store does not know in the end; in a store that was
  emptied, what was acknowledged since. What it knew before is held by the verifiers alone, and
  letting any of it in would be late.
* *Refused* are checks that found the token revoked, *unavailable* those that could not tell and
  let nobody in.
* *Healed after* is counted from the end of the fault until every verifier has read its copy anew
  and every writer has something acknowledged that it began after the fault.

Late and lost must be 0, no operation may take longer than 2.5 s, and nothing may be refused that
nobody revoked. Rows that begin with *control* show what the suite would notice: verifiers whose
lease was taken away, or that let in what they cannot. They have to be late. In a Cluster each of
the 16 partitions has a log of its own; there is no order between them, and none is asserted.
"""
_KINDS = {
    "opaque": "of opaque tokens",
    "sync": "of threads",
    "async": "of tasks",
    "mutant": "without a lease",
    "open": "failing open",
}
_COLUMNS = (
    "fault",
    "verifiers",
    "bound",
    "acknowledged",
    "not confirmed",
    "refused",
    "unavailable",
    "late",
    "lost",
    "visible after",
    "slowest",
    "healed after",
    "seed",
)


def describe(kinds: Sequence[str]) -> str:
    """The verifiers of a scenario in words."""
    return ", ".join(f"{count} {_KINDS[kind]}" for kind, count in Counter(kinds).items())


def write_report(path: Path, all_figures: Sequence[Figures], seed: str) -> None:
    """Write the document anew."""
    lines = [_HEAD, _row(_COLUMNS), "|" + "---|" * len(_COLUMNS)]
    lines += [_row(_cells(figures)) for figures in all_figures]
    lines += ["", f"The run again: `make chaos GATEPASS_CHAOS_SEED={seed}`. Ran on:", ""]
    lines += [f"* {name}" for name in dict.fromkeys(f.versions for f in all_figures)]
    ours = ", ".join(f"{name} {version(name)}" for name in ("redis", "psycopg", "SQLAlchemy"))
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    lines += [f"* Python {platform.python_version()}, {ours}", f"* {system}", ""]
    path.write_text("\n".join(lines))


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _cells(figures: Figures) -> list[object]:
    return [
        figures.scenario,
        figures.verifiers,
        f"{figures.bound_s:g} s",
        figures.acknowledged,
        figures.unconfirmed,
        figures.refused,
        figures.unavailable,
        figures.accepted_late,
        figures.lost,
        f"{figures.visible_s:.3f} s",
        f"{figures.slowest_s:.2f} s",
        "" if figures.healed_s is None else f"{figures.healed_s:.1f} s",
        figures.seed,
    ]
