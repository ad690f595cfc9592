"""Events while databases break: each acknowledged operation has one, nothing else has any."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.chaos.actor import CALLERS
from tests.chaos.history import Span
from tests.chaos.isolation import start_watched
from tests.chaos.told import KINDS, Operation, find_wrong, read_operations
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import require_binaries
from tests.stores.outcomes import fill

ROOT = Path(__file__).parents[2]
ENOUGH = 3

pytestmark = pytest.mark.chaos


@dataclass
class Actors:
    """Processes whose managers tell of events, one of either twin."""

    folder: Path
    url: str
    faults: list[Span] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, twin: str) -> None:
        name = f"{twin}{len(list(self.folder.glob('*.log')))}"
        command = [sys.executable, "-m", "tests.chaos.actor", self.url, str(self.folder), name]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [*command, twin], cwd=ROOT, stdout=log, stderr=log, env={**os.environ}
            )

    def operations(self) -> list[Operation]:
        return read_operations(sorted(self.folder.glob("*.told")))

    def until(self, condition: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < until
            for name, process in self.processes.items():
                assert process.poll() is None, (self.folder / f"{name}.log").read_text()
            time.sleep(0.05)

    def until_at_work(self) -> None:
        """Wait until every caller has some operations acknowledged that it began from now on."""
        since = time.monotonic()

        def are_all() -> bool:
            made: Counter[str] = Counter()
            for name in self.processes:
                for file in self.folder.glob(f"{name}.*.told"):
                    made[file.stem] = sum(
                        one.outcome == "ok" and one.begun > since for one in read_operations([file])
                    )
            everybody = CALLERS * len(self.processes)
            return len(made) == everybody and min(made.values()) >= ENOUGH

        self.until(are_all)

    @contextmanager
    def broken(self) -> Iterator[None]:
        """A block in which something is broken, until everybody is at work again."""
        begun = time.monotonic()
        yield
        self.until_at_work()
        self.faults.append(Span(begun, time.monotonic()))

    def _done(self) -> Counter[str]:
        """How many operations of each kind were acknowledged."""
        done = Counter(dict.fromkeys(KINDS, 0))
        done.update(
            one.what for one in self.operations() if one.outcome in {"ok", "refresh_reused"}
        )
        return done

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def finish(self) -> list[Operation]:
        """End all processes, once there is enough of each kind; the operations of all."""
        self.until(lambda: min(self._done().values(), default=0) >= ENOUGH)
        (self.folder / "stop").touch()
        for name, process in self.processes.items():
            assert process.wait(PATIENCE_S) == 0, (self.folder / f"{name}.log").read_text()
        return self.operations()


@contextmanager
def actors(tmp_path: Path, url: str) -> Iterator[Actors]:
    folder = tmp_path / "actors"
    folder.mkdir()
    everybody = Actors(folder, url)
    try:
        for twin in ("sync", "async"):
            everybody.start(twin)
        everybody.until_at_work()
        yield everybody
    finally:
        for process in everybody.processes.values():
            process.kill()
            process.wait()


def require_right(everybody: Actors, outcome: str, *, may_lose_ends: bool = False) -> None:
    """Nothing is wrong, and something was in the way of some operations."""
    operations = everybody.finish()
    assert find_wrong(operations, everybody.faults, may_lose_ends=may_lose_ends) == []
    assert any(one.outcome == outcome for one in operations)


def test_a_replica_that_is_promoted(tmp_path: Path) -> None:
    servers = start_watched("redis 8", tmp_path / "servers")
    try:
        with actors(tmp_path, servers.url) as everybody:
            with everybody.broken():
                servers.primary.kill()
                everybody.until(servers.is_replaced)
            with everybody.broken():
                servers.primary.start()
            require_right(everybody, "store_unavailable")
    finally:
        servers.stop()


def test_postgres_that_is_killed_and_restarted(tmp_path: Path) -> None:
    server = PostgresServer(require_binaries())
    server.start()
    try:
        server.run("CREATE DATABASE gate")
        url = server.url_of("gate")
        with closing(SqlStore.from_url(url)) as store:
            store.upgrade()
        with actors(tmp_path, url) as everybody:
            with everybody.broken():
                server.kill()
                time.sleep(1)
                server.start()
            with everybody.broken(), server.down():
                time.sleep(1)
            require_right(everybody, "store_unavailable", may_lose_ends=True)
    finally:
        server.end()


def test_processes_on_sqlite_that_are_killed(tmp_path: Path) -> None:
    fill(url := f"sqlite:///{tmp_path / 'gate.db'}")
    with actors(tmp_path, url) as everybody:
        for name in list(everybody.processes) * 2:
            with everybody.broken():
                twin = name.rstrip("0123456789")
                [victim] = [one for one in everybody.processes if one.startswith(twin)]
                everybody.kill(victim)
                everybody.start(twin)
        require_right(everybody, "killed")
