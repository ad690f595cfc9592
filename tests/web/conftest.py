"""Programs under test, one at a time: each is started when the first of its rows runs."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.rows.row import Row
from tests.web.stage import Stage
from tests.web.target import TARGETS, Running, Target, running


@pytest.fixture(scope="session", params=TARGETS, ids=lambda target: target.name)
def target(request: pytest.FixtureRequest) -> Target:
    chosen: Target = request.param
    return chosen


@pytest.fixture(scope="session", params=["development", "production"])
def stage(
    request: pytest.FixtureRequest, target: Target, tmp_path_factory: pytest.TempPathFactory
) -> Stage:
    return Stage(tmp_path_factory.mktemp(target.name), target, request.param)


@pytest.fixture(scope="session")
def program(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("program")
    with running(stage.target, folder, stage.environ) as program:
        # A first use finds no file or makes one: it must not fall into a row's outage.
        token = stage.issue().access_token
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-Proto": "https"}
        httpx.get(f"{program.url}/auth/me", headers=headers).raise_for_status()
        yield program


def _is_for(row: Row, target: Target, variant: str) -> bool:
    return row.variant == variant and (target.has_routes or not row.needs_routes)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the rows of the other variant, and those that need routes where there are none."""
    kept = []
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        row = parameters.get("row")
        if not isinstance(row, Row) or _is_for(row, parameters["target"], parameters["stage"]):
            kept.append(item)
    items[:] = kept
