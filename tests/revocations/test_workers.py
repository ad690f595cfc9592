"""Real servers with several workers: each follows the log by itself, also when forked late."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from gatepass.sessions import Store
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S, TIMES
from tests.revocations.worlds import empty_backend, open_store
from tests.servers.redis_server import free_ports

ROOT = Path(__file__).parents[2]
GUNICORN = ("gunicorn", "--preload", "--workers=3", "--worker-class=gthread", "--threads=4")
COMMANDS = {
    "gunicorn": (*GUNICORN, "--bind=127.0.0.1:{port}", "tests.revocations.apps:wsgi()"),
    "uvicorn": (
        *("uvicorn", "--factory", "--workers=4", "--port={port}", "--log-level=warning"),
        "tests.revocations.apps:asgi",
    ),
}
WORKERS = {"gunicorn": 3, "uvicorn": 4}


class Service:
    """A running server, asked over a new connection each time."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, token: str) -> dict[str, Any]:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)) as connection:
            connection.request("GET", f"/{token}")
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer

    def until_all(self, what: str, token: str, workers: int) -> set[int]:
        """Ask until as many workers have said so, and nobody who did has taken it back."""
        said: set[int] = set()
        until = time.monotonic() + PATIENCE_S
        while len(said) < workers:
            assert time.monotonic() < until, f"only {len(said)} of {workers} say that it is {what}"
            try:
                answer = self.ask(token)
            except (OSError, HTTPException):  # it is starting
                time.sleep(0.05)
                continue
            if answer[what]:
                said.add(answer["pid"])
            assert answer[what] or answer["pid"] not in said
        return said


@pytest.fixture(params=["sqlite", "postgres", "redis 8", "cluster"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gate.db'}"
    return empty_backend(str(request.param))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = SqlStore.from_url(url) if url.startswith("sqlite") else open_store(url)
    store.subject_epoch("ada")  # makes the file
    yield store
    store.close()


@pytest.fixture(params=COMMANDS)
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(server: str, url: str, store: Store) -> Iterator[Service]:  # noqa: ARG001 - made first
    [port] = free_ports(1)
    command = [part.format(port=port) for part in COMMANDS[server]]
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "GATEPASS_TEST_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    yield Service(port)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert b"Traceback" not in errors, errors.decode()


@pytest.mark.workers
def test_every_worker_follows_the_log_and_many_ask_at_the_same_time(
    service: Service, server: str, store: Store
) -> None:
    fresh = service.until_all("fresh", "00other", WORKERS[server])
    revoked = [f"{number:02x}revoked" for number in range(16)]
    for token in revoked:
        store.revoke_token(token)
    for token in revoked:  # each of another partition
        assert service.until_all("held", token, WORKERS[server]) == fresh
    asked = [*revoked, *(f"{number:02x}other" for number in range(16))] * 3 * TIMES

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(service.ask, asked))
    assert [answer["revoked"] for answer in answers] == [token in revoked for token in asked]
    assert len({answer["pid"] for answer in answers}) > 1
