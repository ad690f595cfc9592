"""The application under test; every test is also a test that nothing leaks."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fastapi.world import World
from tests.leaks import Leaks, watching


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def leaks(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Leaks]:
    yield from watching(caplog, capfd)


@pytest.fixture
async def world(leaks: Leaks) -> AsyncIterator[World]:
    async with World(leaks=leaks).running() as running:
        yield running
