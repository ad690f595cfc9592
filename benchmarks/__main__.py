"""`python -m benchmarks`: one run of everything, with all targets at its end."""

import argparse
import logging
import platform
import warnings

from benchmarks.choice import measure_choice
from benchmarks.choice_page import write_choice
from benchmarks.frameworks import measure_frameworks
from benchmarks.growth import measure_growth, memory_target
from benchmarks.hostile import measure_hostile
from benchmarks.imports import measure_imports
from benchmarks.keys import measure_keys
from benchmarks.page import PAGE, Measured, write_page
from benchmarks.replica import measure_replica
from benchmarks.revocation import measure_revocation
from benchmarks.signatures import measure_signatures
from benchmarks.stores import measure_stores
from benchmarks.table import Target, show_targets


def main() -> None:
    """Measure, print the tables, print the targets; a missed one is a word, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: shows only that it runs")
    parser.add_argument(
        "--report",
        action="store_true",
        help="measure for docs/performance.md and docs/jwt-or-session.md, and write them",
    )
    asked = parser.parse_args()
    rounds, part = (5, 100) if asked.quick else (201, 1)
    warnings.simplefilter("ignore")  # a peer warns of EdDSA's name on every call
    # replicas complain of event loops that stand still while others are measured
    logging.getLogger("gatepass").setLevel(logging.CRITICAL)
    print(f"Python {platform.python_version()} on {platform.machine()}, {rounds} rounds")
    signatures = measure_signatures(rounds=rounds, part=part)
    growth = measure_growth(rounds=rounds, part=part)
    choice = measure_choice(rounds=rounds, part=part)
    targets = [*signatures.targets, memory_target(growth, part=part)]
    if not asked.report:
        targets += _measure_the_rest(rounds=rounds, part=part, is_quick=asked.quick)
    show_targets(targets)
    if asked.quick:
        print("\nFew rounds: these figures mean nothing. Run `make bench` for figures.")
    elif asked.report:
        write_page(PAGE, Measured(signatures, growth))
        print(f"\nWrote {PAGE.name} and its charts.")
        if choice is not None:
            write_choice(choice)
            print("Wrote jwt-or-session.md and its figures.")


def _measure_the_rest(*, rounds: int, part: int, is_quick: bool) -> list[Target]:
    """Everything that docs/performance.md does not show."""
    return [
        *measure_revocation(rounds=rounds),
        *measure_replica(rounds=rounds, part=part),
        *measure_keys(rounds=rounds),
        *measure_stores(rounds=rounds),
        *measure_hostile(rounds=3 if is_quick else 41),
        *measure_frameworks(rounds=rounds),
        *measure_imports(rounds=3 if is_quick else 21),
    ]


if __name__ == "__main__":
    main()
