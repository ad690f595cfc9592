"""Programs under test, one at a time: each is started when the first of its rows runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.stage import Stage
from tests.web.target import TARGETS, Running, Target, running


def _marked(target: Target) -> Any:
    """`make test` plays the table to one of them."""
    return pytest.param(target, marks=() if target.name == "fastapi" else pytest.mark.web)


@pytest.fixture(
    scope="session", params=map(_marked, TARGETS), ids=[target.name for target in TARGETS]
)
def target(request: pytest.FixtureRequest) -> Target:
    chosen: Target = request.param
    return chosen


@pytest.fixture(
    scope="session",
    params=["development", "production", pytest.param("opaque", marks=pytest.mark.web)],
)
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
