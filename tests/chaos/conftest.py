"""Scenarios with their figures, gathered for the report."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.history import Figures
from tests.chaos.report import REPORT, describe, write_report
from tests.chaos.scenario import KINDS, STALENESS_S, Scenario

SEED = "GATEPASS_CHAOS_SEED"

Begin = Callable[..., Scenario]
_FIGURES: list[Figures] = []


@pytest.fixture
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Begin]:
    """Starts a scenario on a database; what it came to is gathered when it was judged."""
    with ExitStack() as stack:

        def start(
            name: str, url: str, versions: str, *, extra_s: float = 0.0, **how: Any
        ) -> Scenario:
            seed = zlib.crc32(f"{os.environ.get(SEED, '1')} {request.node.name}".encode()) % 10_000
            print(f"seed {seed}; the run again: {SEED}={os.environ.get(SEED, '1')}")  # noqa: T201
            kinds = describe(how.get("kinds", KINDS))
            figures = Figures(name, kinds, seed, versions, STALENESS_S + extra_s)
            _FIGURES.append(figures)
            return stack.enter_context(Scenario(figures, tmp_path / "scenario", url, **how))

        yield start


def pytest_sessionfinish(exitstatus: int) -> None:
    path = os.environ.get(REPORT)
    if path and _FIGURES and exitstatus == 0:
        judged = [figures for figures in _FIGURES if figures.acknowledged]
        write_report(Path(path), judged, os.environ.get(SEED, "1"))
