"""Faults of a SQLite file under load; nothing is stale there, so nothing may be late at all."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.conftest import Begin
from tests.chaos.judgement import require_late, require_nothing_wrong
from tests.chaos.scenario import OPAQUE, STALENESS_S, Scenario
from tests.stores.broken import locked, replace_by_empty
from tests.stores.outcomes import fill

VERSION = f"SQLite {sqlite3.sqlite_version}"
NOTICED_S = 0.05
"""A file that is not the one of before is noticed within a hundredth; the machine is busy."""

pytestmark = pytest.mark.chaos

Fault = Callable[[Scenario, Path], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database file with something in it."""
    path = tmp_path / "store" / "gate.db"
    path.parent.mkdir()
    fill(f"sqlite:///{path}")
    return path


def kill_writers(scenario: Scenario, _path: Path) -> None:
    for _ in range(4):
        scenario.let_pass(scenario.random.uniform(0.5, 1.5))
        scenario.replace_writers()


def lock(scenario: Scenario, path: Path) -> None:
    with locked(path):
        scenario.let_pass(scenario.random.uniform(3, 5))


def fill_disk(scenario: Scenario, path: Path) -> None:
    scenario.limit_files_of_writers(path.stat().st_size // 2)
    scenario.let_pass(scenario.random.uniform(3, 5))
    scenario.limit_files_of_writers(-1)


def move_away_and_back(scenario: Scenario, path: Path) -> None:
    aside = path.with_name("aside")
    path.rename(aside)
    path.touch()
    scenario.let_pass(scenario.random.uniform(3, 5))
    aside.replace(path)


@pytest.mark.parametrize(
    ("what", "faults", "query"),
    [
        ("writers killed, verifiers may only read", [kill_writers], "?mode=ro&uri=true"),
        (
            "locked by another, disk full, then file replaced, and put back",
            [lock, fill_disk, move_away_and_back],
            "",
        ),
    ],
)
def test_sqlite(what: str, faults: list[Fault], query: str, begin: Begin, path: Path) -> None:
    url = f"sqlite:///{path}"
    verifier_url = f"sqlite:///file:{path}{query}" if query else url
    scenario = begin(
        f"SQLite, {what}",
        url,
        VERSION,
        verifier_url=verifier_url,
        extra_s=-STALENESS_S,
        kinds=OPAQUE,
    )
    for fault in faults:
        begun = time.monotonic()
        fault(scenario, path)
        assert fault is kill_writers or scenario.was_unconfirmed(begun)
        scenario.heal()

    require_nothing_wrong(scenario, scenario.finish())


@pytest.mark.parametrize(
    ("what", "kinds"), [("SQLite", OPAQUE), ("control: SQLite", ("open", "open"))]
)
def test_a_file_with_an_empty_one_in_its_place_lets_nobody_in(
    what: str, kinds: tuple[str, ...], begin: Begin, path: Path
) -> None:
    scenario = begin(
        f"{what}, an empty file in its place",
        f"sqlite:///{path}",
        VERSION,
        kinds=kinds,
        extra_s=-STALENESS_S,
    )
    scenario.let_pass(scenario.random.uniform(0, 1))
    replace_by_empty(path)
    replaced_at = time.monotonic()
    scenario.let_pass(3)
    history = scenario.finish(kept_since=replaced_at)

    if kinds == OPAQUE:
        require_nothing_wrong(scenario, history)
        assert history.let_in(replaced_at + NOTICED_S) == []
        assert scenario.figures.unavailable > 0
    else:
        require_late(scenario, history)
