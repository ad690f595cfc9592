"""`python -m benchmarks`: one run of everything, with all targets at its end."""

import argparse
import platform
import warnings

from benchmarks.frameworks import measure_frameworks
from benchmarks.hostile import measure_hostile
from benchmarks.imports import measure_imports
from benchmarks.keys import measure_keys
from benchmarks.replica import measure_replica
from benchmarks.revocation import measure_revocation
from benchmarks.signatures import measure_signatures
from benchmarks.stores import measure_stores
from benchmarks.table import show_targets


def main() -> None:
    """Measure, print the tables, print the targets; a missed one is a word, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: shows only that it runs")
    is_quick = parser.parse_args().quick
    rounds = 5 if is_quick else 201
    warnings.simplefilter("ignore")  # a peer warns of EdDSA's name on every call
    print(f"Python {platform.python_version()} on {platform.machine()}, {rounds} rounds")
    targets = [
        *measure_signatures(rounds=rounds),
        *measure_revocation(rounds=rounds),
        *measure_replica(rounds=rounds, part=100 if is_quick else 1),
        *measure_keys(rounds=rounds),
        *measure_stores(rounds=rounds),
        *measure_hostile(rounds=3 if is_quick else 41),
        *measure_frameworks(rounds=rounds),
        *measure_imports(rounds=3 if is_quick else 21),
    ]
    show_targets(targets)
    if is_quick:
        print("\nFew rounds: these figures mean nothing. Run `make bench` for figures.")


if __name__ == "__main__":
    main()
