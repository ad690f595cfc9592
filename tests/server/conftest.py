"""A folder to serve from, commands to run in it, and a production environment for it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gatepass.server.secrets import generate_secret
from tests.cli.command import Command
from tests.leaks import Leaks, watching
from tests.server.world import World


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def command(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(here, monkeypatch, capsys)


@pytest.fixture
def production(here: Path) -> dict[str, str]:
    return {
        "GATEPASS_ENV": "production",
        "JWT_ACCESS_SECRET": generate_secret(),
        "JWT_REFRESH_SECRET": generate_secret(),
        "DATABASE_URL": f"sqlite:///{here}/gate.db",
    }


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def leaks(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Leaks]:
    yield from watching(caplog, capfd)


@pytest.fixture
def made(here: Path, leaks: Leaks) -> World:
    """A server that is not serving yet."""
    return World.make(here, leaks)


@pytest.fixture
async def world(made: World) -> AsyncIterator[World]:
    async with made.serve() as serving:
        yield serving
