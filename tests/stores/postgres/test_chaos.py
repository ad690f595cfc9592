"""PostgreSQL killed in the middle of its work, again and again."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S, TIMES
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import require_binaries
from tests.stores.plans import log_in, present

FORK = multiprocessing.get_context("fork")
WRITERS = 4
GOOD = {RotationKind.ROTATED, RotationKind.REPLAYED, RotationKind.AHEAD}

Said = list[tuple[str, str, int]]


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer(require_binaries())
    try:
        server.start()
        store = SqlStore.from_url(server.url)
        store.upgrade()
        store.close()
        yield server
    finally:
        server.end()


class Writer:
    """Logs in, refreshes and logs out until it is told to stop, through every outage."""

    def __init__(self, url: str, number: int, stop: Event, said: Path) -> None:
        self._store = SqlStore.from_url(url)
        self._number, self._stop = number, stop
        self._said = said.open("a", buffering=1)

    def run(self) -> None:
        for step in range(1_000_000):
            if self._stop.is_set():
                break
            self._step(f"{self._number}.{step}", step)
        self._said.close()
        self._store.close()

    def _step(self, name: str, step: int) -> None:
        """One log-in and what follows; it is given up where an answer is not sure."""
        subject = f"subject {name}"
        with suppress(StoreUnavailable):
            self._store.issue(log_in(subject, session_id=name))
            self._tell("issued", name)
            for generation in range(3):
                self._refresh(name, generation)
            self._store.revoke_token(f"token {name}")
            self._tell("token", f"token {name}")
            if step % 3 == 1:
                self._store.revoke_session(name, reason="log-out")
                self._tell("ended", name)
            elif step % 3 == 2:
                self._store.revoke_subject(subject, reason="log-out")
                self._tell("ended", name)

    def _refresh(self, name: str, generation: int) -> None:
        """Refresh as a client does: again and again while the store is down."""
        while True:
            try:
                fact = self._store.rotate(present(name, generation, leeway=60_000))
            except StoreUnavailable:
                if self._stop.is_set():
                    raise
                time.sleep(0.02)
                continue
            self._tell("rotated" if fact.kind in GOOD else "logged out", name, generation + 1)
            if fact.kind is RotationKind.AHEAD:
                self._tell("healed", name)
            return

    def _tell(self, what: str, name: str, generation: int = 0) -> None:
        self._said.write(f"{what}|{name}|{generation}\n")


def write(url: str, number: int, stop: Event, said: Path) -> None:
    Writer(url, number, stop, said).run()
    said.with_name(f"ended {number}").touch()  # exit codes of forks are coverage's, where it runs


def said_in(folder: Path) -> Said:
    lines = [line for file in folder.glob("writer*") for line in file.read_text().splitlines()]
    parts = [line.split("|") for line in lines]
    return [(what, name, int(generation)) for what, name, generation in parts]


@pytest.mark.parametrize("commits", ["on", "off"])
@pytest.mark.parametrize(
    "kills",
    [pytest.param(1, id="short"), pytest.param(4 * TIMES, id="long", marks=pytest.mark.chaos)],
)
def test_nothing_acknowledged_is_missing_and_nobody_is_logged_out_after_kill_9(
    server: PostgresServer, tmp_path: Path, kills: int, commits: str
) -> None:
    """Where the database does not wait for the disk, rotations are lost, and heal."""
    server.run(f"ALTER DATABASE postgres SET synchronous_commit = {commits}")
    random = Random(kills)
    stop = FORK.Event()
    writers = [
        FORK.Process(
            target=write, args=(server.url, number, stop, tmp_path / f"writer{number}"), daemon=True
        )
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for _ in range(kills):
        time.sleep(random.uniform(0.4, 1.2))
        server.kill()
        server.start()
    time.sleep(0.5)
    stop.set()
    for writer in writers:
        writer.join(PATIENCE_S)
    said = said_in(tmp_path)

    store = SqlStore.from_url(server.url)
    missing = missing_of(store, said)
    store.close()
    if commits == "off":
        missing = [lost for lost in missing if lost[0] != "rotated"]
    assert missing == []
    told = {what for what, _, _ in said} - {"healed"}
    assert told == {"issued", "rotated", "token", "ended"}  # and nobody "logged out"
    assert not any(writer.is_alive() for writer in writers)
    assert len(list(tmp_path.glob("ended *"))) == WRITERS  # none of them failed


def missing_of(store: SqlStore, said: Said) -> Said:
    """What was acknowledged and is not there."""
    ended = {name for what, name, _ in said if what == "ended"}
    newest: dict[str, int] = {}
    for what, name, generation in said:
        if what in {"issued", "rotated"}:
            newest[name] = max(generation, newest.get(name, 0))
    missing: Said = [
        (what, name, generation)
        for what, name, generation in said
        if (what == "token" and not store.is_revoked(None, name))
        or (what == "ended" and not store.is_revoked(name, None))
    ]
    for name, generation in newest.items():
        fact = store.rotate(present(name, generation, leeway=60_000))
        if fact.kind is RotationKind.UNKNOWN:
            missing.append(("issued", name, generation))
        elif fact.kind is RotationKind.AHEAD and name not in ended:
            missing.append(("rotated", name, generation))
    return missing
