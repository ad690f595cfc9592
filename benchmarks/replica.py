"""The replica: what a check adds, how soon it knows, and how fast it starts."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from statistics import median, quantiles
from typing import Any, Final

import pytest

from benchmarks.logs import LOGS, open_store
from benchmarks.replica_checks import Row, measure_checks, measure_memory_store
from benchmarks.replica_programs import token_name
from benchmarks.table import Target, show_table
from gatepass.revocations import replica_of
from tests.servers.redis_sets import VERSIONS

_HELD: Final = 100_000
_COLD: Final = 1_000_000
_VISIBLE_US: Final = 1_000.0
_COLD_S: Final = 10.0
_LOOK_S: Final = 0.00002
_FOLLOWED: Final = ("PostgreSQL", "Redis", "Valkey")


def measure_replica(*, rounds: int, part: int = 1) -> list[Target]:
    """Measure all of it, print the tables; `part` divides the sizes, for a quick run."""
    targets: list[Target] = []
    checks = [measure_memory_store(rounds=rounds)]
    visible: list[Row] = []
    cold: list[Row] = []
    with asyncio.Runner() as runner:
        for name, log in LOGS.items():
            try:
                with log() as (url, fill):
                    fill(_HELD // part)
                    row, found = measure_checks(
                        name, url, _HELD // part, rounds=rounds, runner=runner
                    )
                    checks.append(row)
                    targets += found
                    if name in _FOLLOWED:
                        targets.append(_measure_visible(name, url, rounds, visible))
                        fill((_COLD - _HELD) // part)
                        targets.append(_measure_cold(name, url, _COLD // part, cold))
            except (pytest.skip.Exception, pytest.fail.Exception) as reason:
                checks.append([name, *"-----", str(reason)])
                targets.append(Target(f"replica, {name}", "-", "measured", None))
    head = ["", "bare", "direct", "replica", "direct, awaited", "replica, awaited"]
    what = f"with {_HELD // part:,} entries in the log ({', '.join(VERSIONS.values())})"
    show_table(f"HS256 verify, and what a revocation check adds, {what}: us", head, checks)
    head = ["", "median", "the 99th of 100", "the latest"]
    show_table("From acknowledged to refused in another process: us", head, visible)
    show_table(f"A start from nothing, {_COLD // part:,} entries", ["", "s", "MiB"], cold)
    return targets


def _measure_visible(name: str, url: str, rounds: int, rows: list[Row]) -> Target:
    """Let another process revoke, and look for each token until it is refused.

    Looking takes turns with the thread that reads; what a turn takes, some 80 us, is counted in.
    A token may be refused before its revocation is acknowledged: the time is negative then.
    """
    count = 5 * rounds
    with closing(open_store(url)) as store, replica_of(store) as replica:
        while not replica.fresh():
            time.sleep(0.005)
        seen = []
        program = start_program("write", url, count)
        for number in range(count):
            token = token_name(number)
            while not replica.is_revoked(None, token):
                time.sleep(_LOOK_S)
            seen.append(time.monotonic_ns())
        acknowledged = program()
    late = [(saw - told) / 1000 for saw, told in zip(seen, acknowledged, strict=True)]
    typical = median(late)
    rows.append(
        [
            name,
            *(
                f"{each:.0f}"
                for each in (typical, quantiles(late, n=100, method="inclusive")[98], max(late))
            ),
        ]
    )
    return Target(
        f"acknowledged to refused elsewhere, {name}",
        f"{typical:.0f} us",
        f"< {_VISIBLE_US:g} us",
        typical < _VISIBLE_US,
    )


def _measure_cold(name: str, url: str, entries: int, rows: list[Row]) -> Target:
    found = start_program("start-cold", url, entries)()
    rows.append([name, f"{found['seconds']:.2f}", f"{found['mib']:.0f}"])
    return Target(
        f"start with {entries:,} entries, {name}",
        f"{found['seconds']:.1f} s",
        f"< {_COLD_S:g} s",
        found["seconds"] < _COLD_S,
    )


def start_program(program: str, *arguments: object) -> Callable[[], Any]:
    """Start a program of `replica_programs`; what it returns waits for what it measured."""
    words = [sys.executable, "-m", "benchmarks.replica_programs", program, *map(str, arguments)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)

    def result() -> Any:
        told, _ = process.communicate()
        assert process.returncode == 0, program
        return json.loads(told)

    return result
