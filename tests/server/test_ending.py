"""The supervisor of several workers, the listening socket, and the settings of both."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.server.ending import _PAUSE_S, Workers
from gatepass.server.serve import _listen
from gatepass.server.serving import Serving, read_serving
from tests.budget import PATIENCE_S, until
from tests.server import running
from tests.server.running import Running, environment, serving

HERE = ("127.0.0.1", 0)
STARTED = re.compile(r"Started server process \[(\d+)\]")


@contextmanager
def supervising(app: Any, workers: int, **options: Any) -> Iterator[Workers]:
    """A supervisor in this process, of workers that have not begun."""
    config = uvicorn.Config(app, log_config=None, workers=workers, **options)
    with socket.create_server(HERE) as listener:
        supervisor = Workers(config, listener)
        yield supervisor
        for worker in supervisor.processes:
            worker.kill()
            worker.join()


@pytest.fixture
def workers() -> Iterator[Workers]:
    with supervising("no.such:app", workers=2) as supervisor:
        yield supervisor


def test_the_supervisor_closes_the_port_before_its_workers_end(workers: Workers) -> None:
    address = workers._listener.getsockname()
    socket.create_connection(address).close()
    workers.end()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


@pytest.mark.workers
def test_a_worker_that_is_silent_stays_and_one_that_died_is_replaced(workers: Workers) -> None:
    workers.start()
    slow, dead = workers.processes
    assert slow.pid is not None
    os.kill(slow.pid, signal.SIGSTOP)
    dead.kill()
    dead.join()
    workers.replace()

    assert workers.processes[0] is slow
    assert slow.is_alive()
    assert workers.processes[1] is not dead


async def never(_: Any, __: Any, ___: Any) -> None:
    raise OSError


@pytest.mark.workers
def test_a_worker_that_cannot_start_ends_the_server() -> None:
    with supervising(never, workers=1, lifespan="on") as workers:
        workers.start()
        workers.processes[0].join()

        with pytest.raises(StoreUnavailable, match="could not start"):
            workers.replace()


def unavailable() -> None:
    raise StoreUnavailable("nothing listens there")


@pytest.mark.workers
def test_a_worker_whose_database_is_down_pauses_and_is_replaced(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with supervising(unavailable, workers=1, factory=True) as workers:
        began = time.monotonic()
        workers.start()
        [waiting] = workers.processes
        waiting.join()
        took_s = time.monotonic() - began
        workers.replace()

        assert waiting.exitcode == 1
        assert took_s >= _PAUSE_S
        assert workers.processes[0] is not waiting
    assert "a worker cannot start yet: nothing listens there" in capfd.readouterr().err


SUPERVISOR = """
import signal, socket, sys, uvicorn
from gatepass.server.ending import Workers

def interrupt(frame, event, value):
    if event.endswith("return"):
        signal.raise_signal(signal.SIGTERM)

workers = Workers(uvicorn.Config("no.such:app", log_config=None), socket.create_server(("", 0)))
workers.start = lambda: sys.setprofile(interrupt)
workers.run()
sys.setprofile(None)
"""


@pytest.mark.workers
def test_a_signal_after_every_step_of_the_supervisor_ends_it() -> None:
    command = [sys.executable, "-c", SUPERVISOR]
    assert (
        subprocess.run(command, env=environment(), timeout=PATIENCE_S, check=False).returncode == 0
    )


def is_listening(server: Running) -> bool:
    with suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port)).close()
        return True
    return False


@contextmanager
def two_workers(here: Path) -> Iterator[Running]:
    """A server of two workers, which are gone afterwards too."""
    with serving(here, "--workers", "2") as server:
        until(lambda: len(STARTED.findall(server.stderr)) == 2, lambda: server.stderr)
        workers = [os.pidfd_open(int(pid)) for pid in STARTED.findall(server.stderr)]
        try:
            yield server
        finally:
            for worker in workers:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(worker, signal.SIGKILL)
                os.close(worker)


@pytest.mark.workers
def test_workers_end_in_good_order_when_their_supervisor_is_killed(here: Path) -> None:
    with two_workers(here) as server:
        server.process.kill()
        server.process.wait()

        until(lambda: not is_listening(server), lambda: server.stderr)
        until(lambda: server.stderr.count("Finished server process") == 2, lambda: server.stderr)


@pytest.mark.workers
def test_a_terminal_that_closes_ends_workers_in_good_order(here: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    try:
        with two_workers(here) as server:
            server.stop(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert server.stderr.count("Application shutdown complete") == 2
    assert "Traceback" not in server.stderr


@pytest.mark.workers
@pytest.mark.parametrize("workers", ["1", "2"])
def test_nohup_keeps_the_server_when_the_terminal_closes(
    here: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setattr(running, "PROGRAM", ("nohup", *running.PROGRAM))
    with serving(here, "--workers", workers) as server, server.client() as client:
        until(lambda: len(STARTED.findall(server.stderr)) == int(workers), lambda: server.stderr)
        for pid in (server.process.pid, *map(int, STARTED.findall(server.stderr))):
            os.kill(pid, signal.SIGHUP)
        client.timeout = PATIENCE_S
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            assert client.get("/healthz").status_code == 200
        server.stop()

    assert server.stderr.count("Started server process") == int(workers)
    assert server.stderr.count("Application shutdown complete") == int(workers)


def test_the_address_of_everybody_is_reached_over_both_kinds_of_internet() -> None:
    with closing(_listen("::", 0, 10)) as listener:
        port = listener.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port)).close()
    with closing(_listen("::1", 0, 10)) as listener:
        assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


def test_drain_keep_alive_and_docs_are_settings() -> None:
    environ = {
        "GATEPASS_DRAIN_SECONDS": "25",
        "GATEPASS_KEEP_ALIVE_SECONDS": "75",
        "GATEPASS_DOCS": "off",
    }

    assert read_serving(environ) == Serving(drain_s=25, keep_alive_s=75, has_docs=False)
    assert read_serving(dict.fromkeys(environ, "")) == Serving()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("GATEPASS_DRAIN_SECONDS", value) for value in ("0", "-1", "1.5", "10s", "9" * 40)),
        ("GATEPASS_KEEP_ALIVE_SECONDS", "\u0665"),
        ("GATEPASS_DOCS", "no"),
    ],
)
def test_settings_out_of_bounds_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsRejected, match=f"^{name} is "):
        read_serving({name: value})
