"""Processes that log in, refresh and log out without end, and say what was acknowledged."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gatepass.errors import StoreUnavailable
from gatepass.sessions import RotationKind
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S
from tests.stores.plans import log_in, present

WRITERS = 4
FORK = multiprocessing.get_context("fork")
GOOD = {RotationKind.ROTATED, RotationKind.REPLAYED, RotationKind.AHEAD}
KINDS = {"issued", "rotated", "token", "ended"}

Said = list[tuple[str, str, int]]


class Writer:
    """Works until it is told to stop, through every outage."""

    def __init__(self, url: str, name: str, folder: Path) -> None:
        self._store = SqlStore.from_url(url)
        self._name, self._stop = name, folder / "stop"
        self._said = (folder / f"writer{name}").open("a", buffering=1)

    def run(self) -> None:
        for step in range(1_000_000):
            if self._stop.exists():
                break
            with suppress(StoreUnavailable):
                self._step(f"{self._name}.{step}", step)
        self._said.close()
        self._store.close()

    def _step(self, name: str, step: int) -> None:
        """One log-in and what follows; it is given up where an answer is not sure."""
        subject = f"subject {name}"
        self._store.issue(log_in(subject, session_id=name))
        self._tell("issued", name)
        for generation in range(3):
            self._refresh(name, generation)
        self._store.revoke_token(f"token {name}")
        self._tell("token", f"token {name}")
        match step % 4:
            case 1:
                self._store.revoke_session(name, reason="log-out")
            case 2:
                self._store.revoke_subject(subject, reason="log-out")
            case 3:
                fact = self._store.rotate(present(name, 0, leeway=0))
                if fact.kind is not RotationKind.REUSED:  # its rotations were lost
                    return
            case _:
                return
        self._tell("ended", name)

    def _refresh(self, name: str, generation: int) -> None:
        """Refresh as a client does: again and again while the store is down."""
        while True:
            try:
                fact = self._store.rotate(present(name, generation, leeway=60_000))
            except StoreUnavailable:
                if self._stop.exists():
                    raise
                time.sleep(0.02)
                continue
            self._tell("rotated" if fact.kind in GOOD else "logged out", name, generation + 1)
            return

    def _tell(self, what: str, name: str, generation: int = 0) -> None:
        self._said.write(f"{what}|{name}|{generation}\n")


def _write(url: str, name: str, folder: Path) -> None:
    Writer(url, name, folder).run()
    (folder / f"ended {name}").touch()  # exit codes of forks are coverage's, where it runs


class Writers:
    """Several of them at work."""

    def __init__(self, url: str, run: int, folder: Path) -> None:
        self._folder = folder
        self._names = [f"{run}.{number}" for number in range(WRITERS)]
        self._processes = [
            FORK.Process(target=_write, args=(url, name, folder), daemon=True)
            for name in self._names
        ]
        for process in self._processes:
            process.start()

    def said(self) -> Said:
        """What was acknowledged to them, but for a line that somebody was killed in."""
        texts = [(self._folder / f"writer{name}") for name in self._names]
        lines = [line for one in texts if one.exists() for line in one.read_text().split("\n")[:-1]]
        parts = [line.split("|") for line in lines]
        return [(what, name, int(generation)) for what, name, generation in parts]

    def until_busy(self) -> None:
        """Wait until something of every kind was acknowledged since this call began."""
        before, until = len(self.said()), time.monotonic() + PATIENCE_S
        while not {what for what, *_ in self.said()[before:]} >= KINDS or not self._all_began():
            assert time.monotonic() < until, f"writers do nothing for {PATIENCE_S} s"
            time.sleep(0.02)

    def kill(self) -> None:
        """End them wherever they are."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()

    def stop(self) -> None:
        """Have them end their step, and see that none of them failed."""
        (self._folder / "stop").touch()
        for process in self._processes:
            process.join(PATIENCE_S)
        assert not any(process.is_alive() for process in self._processes)
        assert all((self._folder / f"ended {name}").exists() for name in self._names)

    def _all_began(self) -> bool:
        return all((self._folder / f"writer{name}").exists() for name in self._names)


@contextmanager
def writers(url: str, run: int, folder: Path) -> Iterator[Writers]:
    at_work = Writers(url, run, folder)
    try:
        at_work.until_busy()
        yield at_work
    finally:
        at_work.kill()


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
        kind = store.rotate(present(name, generation, leeway=60_000)).kind
        if kind is RotationKind.UNKNOWN:
            missing.append(("issued", name, generation))
        elif kind is RotationKind.AHEAD and name not in ended:
            missing.append(("rotated", name, generation))
    return missing
