"""Clients as many as there are file descriptors: the server stays there for others."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S
from tests.server.running import Running, serving
from tests.server.test_http_protocol import HALF, HEALTH


def silent(server: Running, sent: bytes, source: str = "127.0.0.1") -> socket.socket:
    """A connection that stays open and says this much."""
    made = socket.create_connection(
        ("127.0.0.1", server.port), timeout=PATIENCE_S, source_address=(source, 0)
    )
    made.sendall(sent)
    return made


def is_healthy(server: Running, source: str = "127.0.0.1") -> bool:
    with closing(silent(server, HEALTH, source)) as client:
        return client.recv(15) == b"HTTP/1.1 200 OK"


@pytest.fixture
def crowd() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("sent", HALF.values(), ids=HALF)
@pytest.mark.soak
def test_silent_sockets_as_many_as_there_are_file_descriptors(
    here: Path, crowd: ExitStack, sent: bytes
) -> None:
    with serving(here, descriptors=256) as server:
        for _ in range(300):
            crowd.enter_context(closing(silent(server, sent)))

        assert is_healthy(server)
        assert is_healthy(server, "127.0.0.9")
        assert len(server.stderr) < 20_000
        assert "Traceback" not in server.stderr
        assert len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) < 200
        crowd.close()
        assert server.stop() == -signal.SIGTERM


@pytest.mark.soak
def test_a_body_that_never_comes_is_refused_after_ten_seconds(here: Path) -> None:
    with serving(here) as server, closing(silent(server, HALF["half a body"])) as client:
        began = time.monotonic()
        answer = client.recv(4096)
        took = time.monotonic() - began

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert took > 9


@pytest.mark.soak
def test_a_server_with_hardly_any_file_descriptors_recovers(here: Path, crowd: ExitStack) -> None:
    """Here the system refuses before the server does."""
    with serving(here, descriptors=40) as server:
        for _ in range(120):
            with suppress(OSError):
                crowd.enter_context(closing(silent(server, b"")))
        time.sleep(3)  # asyncio accepts again every second, and reports every failure
        size = len(server.stderr)
        crowd.close()
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with suppress(OSError):
                if is_healthy(server):
                    break

        assert is_healthy(server)
        assert size < 20_000
        assert server.stderr.count("out of file descriptors") <= 1


@pytest.mark.workers
def test_a_server_takes_the_file_descriptors_that_it_may_have(here: Path) -> None:
    with serving(here, descriptors=256) as server:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text()
    [line] = [line for line in limits.splitlines() if line.startswith("Max open files")]

    assert line.split()[3:5] == ["256", "256"]
