"""Remembers what became of each cell, and prints the table at the end."""

import os
from collections.abc import Iterator

import pytest

from tests.interop.libraries import Library, Missing, Refused
from tests.interop.table import LIBRARIES, NODE, Cell, outcomes

_SEEN: dict[Cell, str] = {}
_VERSIONS: dict[str, str] = {}


@pytest.fixture(scope="session", autouse=True)
def _node() -> Iterator[None]:
    yield
    NODE.close()


@pytest.fixture
def library(request: pytest.FixtureRequest) -> Library:
    """The library of this test's cell; a missing one skips it, and fails it in CI."""
    cell: Cell = request.node.callspec.params["cell"]
    library = LIBRARIES[cell[0]]
    try:
        _VERSIONS[library.name] = library.version()
    except (Missing, Refused) as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    return library


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the outcome of a cell."""
    properties = dict(report.user_properties)
    cell = properties.get("cell")
    if isinstance(cell, tuple) and (report.when == "call" or report.outcome != "passed"):
        word = {"passed": "ok", "failed": "FAILED", "skipped": "missing"}[report.outcome]
        _SEEN[cell] = word if _SEEN.get(cell, "ok") == "ok" else _SEEN[cell]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if _SEEN:
        terminalreporter.section("they sign, gatepass verifies / gatepass signs, they verify")
        for line in outcomes(_SEEN, _VERSIONS):
            terminalreporter.write_line(line)
