"""One scenario: writers and verifiers at work, a fault, healing, and the judgement."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from random import Random
from typing import Self

from gatepass.errors import StoreUnavailable
from tests.budget import PATIENCE_S
from tests.chaos.history import Figures, History, Span, read_attempts, read_verdicts
from tests.chaos.verifier import ids_of
from tests.chaos.writer import Store
from tests.revocations.worlds import open_store

ROOT = Path(__file__).parents[2]
WRITERS = 2
KINDS = ("sync", "sync", "async")
OPAQUE = (*KINDS, "opaque")
"""One of the verifiers checks opaque tokens, which are revoked at once."""
CONTROLS = ("mutant", "open")
STALENESS_S = 2.0
HEAL_S = PATIENCE_S


def find_kind(store: Store, key: str) -> str:
    """The kind of a key, asked again for a while."""
    for _ in range(4):
        with suppress(StoreUnavailable):
            return store.find_opaque(key).kind.value
    return store.find_opaque(key).kind.value


class Scenario:
    """Processes around a database under which something breaks."""

    def __init__(
        self,
        figures: Figures,
        folder: Path,
        url: str,
        *,
        verifier_url: str | None = None,
        kinds: tuple[str, ...] = KINDS,
    ) -> None:
        self.figures = figures
        self.random = Random(figures.seed)
        self._folder = folder
        self._url = url
        self._verifier_url = verifier_url or url
        self._kinds = kinds
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._asleep: list[Span] = []
        self._writers = 0
        self._mended_at = 0.0
        """When the last fault was over."""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._start_writers()
        for number, kind in enumerate(self._kinds):
            how = (str(self.figures.bound_s), str(self.figures.seed + number), kind)
            self._start("verifier", f"v{number}", self._verifier_url, *how)
        self.until(lambda: self._all_are_fresh(0.0), "all are fresh")
        self.until(lambda: self._all_acknowledge(0.0, 20), "writers are at work")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    def let_pass(self, seconds: float) -> None:
        """Let everybody work."""
        time.sleep(seconds)

    def until(
        self, condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S
    ) -> float:
        """How many seconds it took until something was so."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < patience_s, f"not so in {patience_s} s: {what}"
            for name, process in self._processes.items():
                assert process.poll() is None, f"{name} ended: see {self._folder}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def hold_writers(self) -> None:
        """Let what was acknowledged arrive everywhere, and acknowledge nothing more."""
        (self._folder / "hold").touch()
        self.let_pass(1.0)

    def release_writers(self) -> None:
        (self._folder / "hold").unlink()

    def replace_writers(self) -> None:
        """Let others write, who find their own way to the database."""
        for name in self._names_of_writers():
            old = self._processes.pop(name)
            old.kill()
            old.wait()
        self._start_writers()

    def limit_files_of_writers(self, largest: int) -> None:
        """No file that they write grows beyond this, as on a full disk; -1: any may again."""
        limits = (largest, resource.RLIM_INFINITY)
        for name in self._names_of_writers():
            resource.prlimit(self._processes[name].pid, resource.RLIMIT_FSIZE, limits)

    def put_to_sleep(self, seconds: float) -> None:
        """Stop all verifiers for a while, as a laptop that is closed or a paused container."""
        begun = time.monotonic()
        for name in self._verifiers:
            self._processes[name].send_signal(signal.SIGSTOP)
        self.let_pass(seconds)
        for name in self._verifiers:
            self._processes[name].send_signal(signal.SIGCONT)
        self._asleep.append(Span(begun, time.monotonic()))

    def heal(self) -> None:
        """Note how long it takes from now on until everything works; the fault is over.

        Every verifier has to be fresh by a read that was sent off after the fault, and every
        writer has to have something acknowledged that it began after the fault.
        """
        mended = self._mended_at = time.monotonic()
        self.until(
            lambda: self._all_are_fresh(mended) and self._all_acknowledge(mended),
            "it healed",
            HEAL_S,
        )
        self.figures.healed_s = max(self.figures.healed_s or 0.0, time.monotonic() - mended)
        self.let_pass(1.0)

    def partitions(self) -> set[int]:
        """Whose logs have taken in what writers began after the last fault."""
        attempts = read_attempts(self._folder.glob("*.attempts"))
        return History(attempts, ()).partitions(self._mended_at)

    def was_unconfirmed(self, since: float) -> bool:
        """Whether something that a writer began later than this was not acknowledged."""
        attempts = read_attempts(self._folder.glob("*.attempts"))
        return any(not one.is_acknowledged and one.begun > since for one in attempts)

    def losses(self) -> list[int]:
        """How often each verifier with a replica noticed that the store had lost revocations."""
        opaque = self.opaque_verifiers
        return [int(self._last_state(name)[3]) for name in self._verifiers if name not in opaque]

    @property
    def opaque_verifiers(self) -> set[str]:
        """The names of those that check opaque tokens."""
        return {f"v{number}" for number, kind in enumerate(self._kinds) if kind == "opaque"}

    def finish(self, *, kept_since: float = 0.0) -> History:
        """End all processes, judge, and fill in the figures.

        The store has to know everything that was begun and acknowledged since `kept_since`, when
        it was emptied; from before only the verifiers know.
        """
        self.hold_writers()
        self.let_pass(self.figures.bound_s)
        (self._folder / "stop").touch()
        for name, process in self._processes.items():
            assert process.wait(PATIENCE_S) == 0, f"{name} failed: see {self._folder}"
        history = History(
            read_attempts(sorted(self._folder.glob("*.attempts"))),
            read_verdicts(sorted(self._folder.glob("*.verdicts"))),
            self._asleep,
        )
        figures, acknowledged = self.figures, history.acknowledged()
        figures.acknowledged = len(acknowledged)
        figures.unconfirmed = len(history.attempts) - len(acknowledged)
        figures.refused = history.count("refused")
        figures.unavailable = history.count("unavailable")
        figures.accepted_late = len(history.accepted_late(figures.bound_s))
        figures.slowest_s = history.slowest()
        figures.visible_s = history.visible_after()
        if kept_since < inf:
            figures.lost = self._count_lost(history, kept_since)
        return history

    def _count_lost(self, history: History, since: float) -> int:
        """What was acknowledged and the store does not know any more."""
        store = open_store(self._url)
        try:
            names = [a.name for a in history.attempts if a.is_acknowledged and a.begun > since]
            lost = sum(not self._is_known(store, name) for name in names)
            return lost + sum(find_kind(store, key) != kind for key, kind in self._keys(since))
        finally:
            store.close()

    def _keys(self, since: float) -> list[tuple[str, str]]:
        """The keys issued since, by their hashes, and what was acknowledged of them last."""
        lines = [
            line.split(" ")
            for file in self._folder.glob("*.keys")
            for line in file.read_text().splitlines()
            if line.count(" ") == 2
        ]
        last = {key: (kind, float(begun)) for key, kind, begun in lines}
        assert last
        known = [(key, kind) for key, (kind, begun) in last.items() if begun > since]
        return [(key, kind) for key, kind in known if kind != "unknown"]

    @staticmethod
    def _is_known(store: Store, name: str) -> bool:
        """What the store says, asked again for a while; when it says nothing all is given up."""
        for _ in range(4):
            with suppress(StoreUnavailable):
                return store.is_revoked(*ids_of(name))
        return store.is_revoked(*ids_of(name))

    def _start_writers(self) -> None:
        for _ in range(WRITERS):
            self._start("writer", f"w{self._writers}", self._url)
            self._writers += 1

    def _names_of_writers(self) -> list[str]:
        return [name for name in self._processes if name.startswith("w")]

    @property
    def _verifiers(self) -> list[str]:
        return [f"v{number}" for number in range(len(self._kinds))]

    def _start(self, what: str, name: str, url: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"tests.chaos.{what}", url, str(self._folder), name]
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [*command, *arguments], cwd=ROOT, stdout=log, stderr=log, env={**os.environ}
            )

    def _last_state(self, name: str) -> list[str]:
        file = self._folder / f"{name}.states"
        text = file.read_text() if file.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        return lines[-1].split(" ") if lines else ["0", "0", "-inf", "0"]

    def _all_are_fresh(self, since: float) -> bool:
        """Whether every verifier says so, and read its copy by what it sent off after this."""
        states = [self._last_state(name) for name in self._verifiers]
        return all(fresh == "1" and float(read_at) > since for _, fresh, read_at, _ in states)

    def _all_acknowledge(self, since: float, count: int = 1) -> bool:
        """Whether every writer had so many acknowledged that it began after this."""
        files = [self._folder / f"{name}.attempts" for name in self._names_of_writers()]
        return all(
            sum(one.is_acknowledged and one.begun > since for one in read_attempts([file])) >= count
            for file in files
        )
