"""What `benchmarks.replica` measures in processes of their own; each prints one line of JSON."""

import json
import os
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.logs import open_store
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


def fill_memory(entries: str) -> dict[str, float]:
    """Merge entries page by page as a reader does; MiB that the process grew by, and seconds."""
    random = Random(1)  # noqa: S311 - ids of a benchmark guard nothing
    denylist = Denylist()
    before = _resident()
    began = time.perf_counter()
    for _ in range(int(entries) // PAGE):
        page: list[Entry] = [("s", f"{random.getrandbits(136):034x}", 0) for _ in range(PAGE)]
        denylist.merge(page, store_ms=0, retention_ms=86_400_000, now_ms=steady_ms())
    taken = time.perf_counter() - began
    assert len(denylist) == int(entries)
    return {"mib": (_resident() - before) / MIB, "seconds": taken}


def _resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


_PROGRAMS: dict[str, Any] = {"write": write, "start-cold": start_cold, "fill-memory": fill_memory}

if __name__ == "__main__":
    print(json.dumps(_PROGRAMS[sys.argv[1]](*sys.argv[2:])))
