"""Worlds of either twin, on the databases that a test names."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stores.twins import Runner
from tests.watches.world import World

Make = Callable[..., World]


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest, runner: Runner, tmp_path: Path) -> Iterator[Make]:
    made: list[World] = []

    def world(backend: str = "sqlite", **options: Any) -> World:
        made.append(World(backend, str(request.param), runner, tmp_path, **options))
        return made[-1]

    yield world
    for each in made:
        each.close()


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis 8", "cluster"])
def world(request: pytest.FixtureRequest, make: Make, access_format: str) -> World:
    return make(str(request.param), access_format=access_format)


@pytest.fixture
def access_format() -> str:
    """The form of access tokens; a test may name both."""
    return "jwt"
