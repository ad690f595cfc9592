"""What `benchmarks.replica` measures in processes of their own; each prints one line of JSON."""

import json
import os
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.logs import open_store
from benchmarks.scene import make_scene
from benchmarks.seen import timer_by_turns, tokens_like
from benchmarks.timing import interleave
from gatepass.revocations import replica_of
from gatepass.revocations.denylist import Denylist, Entry
from gatepass.revocations.lease import steady_ms

PAGE = 2_000
MIB = 1 << 20


def token_name(number: int) -> str:
    """The token that `write` revokes in its turn."""
    return f"{number % 256:02x}visible{number}"


def write(url: str, count: str) -> list[int]:
    """Revoke tokens one after the other; when each was acknowledged, in monotonic nanoseconds."""
    store = open_store(url)
    acknowledged = []
    for number in range(int(count)):
        store.revoke_token(token_name(number))
        acknowledged.append(time.monotonic_ns())
        time.sleep(0.002)
    store.close()
    return acknowledged


def start_cold(url: str, entries: str) -> dict[str, float]:
    """Follow a long log from nothing; seconds until the copy is complete, and MiB of memory."""
    store = open_store(url)
    before = _resident()
    began = time.perf_counter()
    replica = replica_of(store)
    while not replica.fresh():
        time.sleep(0.001)
    taken = time.perf_counter() - began
    grown = _resident() - before
    held = replica.status().entries
    assert held >= int(entries), held
    replica.close()
    store.close()
    return {"seconds": taken, "mib": grown / MIB}


def grow(url: str, rounds: str, *sizes: str) -> list[dict[str, float]]:
    """Ask by turns for 300 tokens seen before, while the copy grows; the log itself stays empty.

    At each size: the microseconds of a verify without and with the replica, and the MiB that the
    process grew by.
    """
    scene = make_scene("HS256")
    texts, random = tokens_like(scene), Random(1)  # noqa: S311 - ids guard nothing here
    store = open_store(url)
    with replica_of(store, max_staleness=60) as replica:
        while not replica.fresh():
            time.sleep(0.005)
        denylist = replica._denylist  # noqa: SLF001 - filled as its readers do, page by page
        timers = {
            "without": timer_by_turns(scene, texts, None),
            "with": timer_by_turns(scene, texts, replica),
        }
        before, points = _resident(), []
        for size in map(int, sizes):
            _merge(denylist, size - len(denylist), random)
            taken = interleave(timers, rounds=int(rounds))
            assert replica.fresh()
            points.append(taken | {"entries": size, "mib": (_resident() - before) / MIB})
    store.close()
    return points


def _merge(denylist: Denylist, entries: int, random: Random) -> None:
    while entries > 0:
        page: list[Entry] = [
            ("s", f"{random.getrandbits(136):034x}", 0) for _ in range(min(entries, PAGE))
        ]
        denylist.merge(page, store_ms=0, retention_ms=86_400_000, now_ms=steady_ms())
        entries -= len(page)


def _resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


_PROGRAMS: dict[str, Any] = {
    "write": write,
    "start-cold": start_cold,
    "grow": grow,
}

if __name__ == "__main__":
    print(json.dumps(_PROGRAMS[sys.argv[1]](*sys.argv[2:])))
