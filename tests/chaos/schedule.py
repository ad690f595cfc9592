"""Which checks are due in a verifier: of everything acknowledged, before the bound and after."""

import heapq
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

EARLY_S = (0.0, 0.05, 0.3, 1.0)
"""When something is checked, in seconds after its acknowledgement: how soon is it visible?"""
AGAIN_S = (0.0, 0.5, 1.5, 4.0, 8.0)
"""When it is checked once more, in seconds after its acknowledgement and the bound."""
LIVE_S = 0.02
_LEARN_S = 0.005
"""How often the writers' files are read, so that reading them is not all that a verifier does."""


class Schedule:
    """Learns from the writers' files what was acknowledged; for any number of threads."""

    def __init__(self, folder: Path, bound_s: float, seed: int) -> None:
        self._folder = folder
        self._bound_s = bound_s
        self._random = Random(seed)
        self._read: dict[Path, int] = {}
        self._due: list[tuple[float, str]] = []
        self._live_at = self._learn_at = 0.0
        self._lock = threading.Lock()

    def next(self) -> str | None:
        """What to check now; `None`: nothing is due."""
        with self._lock:
            now = time.monotonic()
            if now >= self._learn_at:
                self._learn_at = now + _LEARN_S
                self._learn()
            if self._due and self._due[0][0] <= now:
                return heapq.heappop(self._due)[1]
            if now >= self._live_at:
                self._live_at = now + LIVE_S
                return f"t:{self._random.randrange(16):02x}live{self._random.random()}"
            return None

    def _learn(self) -> None:
        for name, acknowledged in self._news():
            for after in (*EARLY_S, *(self._bound_s + 0.001 + again for again in AGAIN_S)):
                heapq.heappush(self._due, (acknowledged + after, name))

    def _news(self) -> Iterator[tuple[str, float]]:
        for file in self._folder.glob("*.attempts"):
            with file.open() as lines:
                lines.seek(self._read.get(file, 0))
                text = lines.read()
            whole = text[: text.rfind("\n") + 1]
            self._read[file] = self._read.get(file, 0) + len(whole)
            for line in whole.splitlines():
                name, _, ended, outcome = line.split(" ")
                if outcome == "ok":
                    yield name, float(ended)
