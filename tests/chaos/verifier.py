"""A process that checks what was acknowledged against its replica, and writes down the verdicts.

Run as `python -m tests.chaos.verifier URL FOLDER NAME BOUND SEED KIND`, until the folder holds a
file `stop`. KIND is `sync` or `async`, `opaque`, which has no replica, or one that shows what the
suite would notice: `mutant` is `sync` without the lease, and `open` lets in what it cannot check.
"""

import asyncio
import sys
import threading
import time
from contextlib import suppress
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from gatepass.errors import StoreUnavailable
from gatepass.revocations import AsyncReplica, Replica, replica_of
from gatepass.sessions import OpaqueKind
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.chaos.schedule import Schedule
from tests.chaos.writer import opaque_id_of
from tests.revocations.worlds import open_store

CALLERS = 4
TELL_S = 0.1
PAUSE_S = 0.005


class Verifier:
    """What both kinds of verifiers write down."""

    def __init__(
        self, folder: Path, name: str, bound_s: float, seed: int, *, fails_open: bool
    ) -> None:
        self.without_store = "accepted" if fails_open else "unavailable"
        self.schedule = Schedule(folder, bound_s, seed)
        self.said: TextIO = (folder / f"{name}.verdicts").open("a", buffering=1)
        self.states: TextIO = (folder / f"{name}.states").open("a", buffering=1)
        self._stop = folder / "stop"

    @property
    def is_over(self) -> bool:
        return self._stop.exists()

    def say(self, what: str, begun: float, answer: str) -> None:
        self.said.write(f"{what} {begun:.6f} {time.monotonic():.6f} {answer}\n")

    def tell(self, begun: float, status: Any) -> None:
        """Write down whether the replica is fresh, by a read sent off when, and what it lost."""
        read_at = begun - status.age
        self.states.write(f"{begun:.6f} {int(status.is_fresh)} {read_at:.6f} {status.losses}\n")


def ids_of(what: str) -> tuple[str | None, str | None]:
    """The session and the token that a name stands for."""
    kind, _, identifier = what.partition(":")
    return (identifier, None) if kind == "s" else (None, identifier)


def answer_of(*, is_revoked: bool) -> str:
    return "refused" if is_revoked else "accepted"


def open_replica(url: str) -> Any:
    """The replica of a service that only verifies."""
    if url.startswith("sqlite"):
        return replica_of(SqlStore.from_url(url))
    return Replica.from_url(url)


def open_async_replica(url: str) -> Any:
    """`open_replica` for `await`."""
    if url.startswith("sqlite"):
        return replica_of(AsyncSqlStore.from_url(url))
    return AsyncReplica.from_url(url)


def take_the_lease_away(replica: Any) -> None:
    """Make the mutant: what it has read it believes for ever."""
    lease = replica._lease
    lease.until = inf
    lease.until_of = lambda _partition: inf
    lease._find_until = lambda: None


def verify(verifier: Verifier, url: str, *, is_mutant: bool) -> None:
    """Check from several threads."""
    replica = open_replica(url)
    while not replica.fresh() and not verifier.is_over:
        time.sleep(0.01)
    if is_mutant:
        take_the_lease_away(replica)

    def call() -> None:
        while not verifier.is_over:
            what = verifier.schedule.next()
            if what is None:
                time.sleep(PAUSE_S)
                continue
            begun = time.monotonic()
            try:
                answer = answer_of(is_revoked=replica.is_revoked(*ids_of(what)))
            except StoreUnavailable:
                answer = verifier.without_store
            verifier.say(what, begun, answer)

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    while not verifier.is_over:
        begun = time.monotonic()
        replica.fresh()
        verifier.tell(begun, replica.status())
        time.sleep(TELL_S)
    for caller in callers:
        caller.join()
    replica.close()


def verify_opaque(verifier: Verifier, url: str) -> None:
    """Check opaque tokens at the store, from several threads."""
    store = open_store(url)

    def call() -> None:
        while not verifier.is_over:
            what = verifier.schedule.next()
            if what is None or "live" in what:  # nobody has such a token
                time.sleep(PAUSE_S)
                continue
            begun = time.monotonic()
            try:
                fact = store.find_opaque(opaque_id_of(what))
                answer = answer_of(is_revoked=fact.kind is not OpaqueKind.LIVE)
            except StoreUnavailable:
                answer = verifier.without_store
            verifier.say(what, begun, answer)

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    read_at = -inf
    while not verifier.is_over:
        begun, is_fresh = time.monotonic(), False
        with suppress(StoreUnavailable):
            store.find_opaque(opaque_id_of("t:00nobody"))
            read_at, is_fresh = begun, True
        verifier.tell(begun, SimpleNamespace(is_fresh=is_fresh, age=begun - read_at, losses=0))
        time.sleep(TELL_S)
    for caller in callers:
        caller.join()
    store.close()


async def verify_async(verifier: Verifier, url: str) -> None:
    """Check from several tasks."""
    replica = open_async_replica(url)

    async def call() -> None:
        while not verifier.is_over:
            what = verifier.schedule.next()
            if what is None:
                await asyncio.sleep(PAUSE_S)
                continue
            begun = time.monotonic()
            try:
                answer = answer_of(is_revoked=await replica.is_revoked(*ids_of(what)))
            except StoreUnavailable:
                answer = verifier.without_store
            verifier.say(what, begun, answer)
            await asyncio.sleep(0)

    async def watch() -> None:
        while not verifier.is_over:
            begun = time.monotonic()
            await replica.fresh()
            verifier.tell(begun, replica.status())
            await asyncio.sleep(TELL_S)

    await replica.start()
    await asyncio.gather(watch(), *(call() for _ in range(CALLERS)))
    await replica.close()


def main(url: str, folder: str, name: str, bound_s: str, seed: str, kind: str) -> None:
    """Be the verifier that the arguments describe."""
    verifier = Verifier(Path(folder), name, float(bound_s), int(seed), fails_open=kind == "open")
    if kind == "async":
        asyncio.run(verify_async(verifier, url))
    elif kind == "opaque":
        verify_opaque(verifier, url)
    else:
        verify(verifier, url, is_mutant=kind == "mutant")


if __name__ == "__main__":
    main(*sys.argv[1:])
