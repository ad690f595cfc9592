"""The supervisor of several workers, the listening socket, and the settings of both."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import uvicorn

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.server.ending import Workers
from gatepass.server.serve import _listen
from gatepass.server.serving import Serving, read_serving

HERE = ("127.0.0.1", 0)


@pytest.fixture
def workers() -> Iterator[Workers]:
    """A supervisor in this process, of two workers that have not begun."""
    config = uvicorn.Config("no.such:app", log_config=None, workers=2)
    with socket.create_server(HERE) as listener:
        supervisor = Workers(config, listener)
        yield supervisor
        for worker in supervisor.processes:
            worker.kill()
            worker.join()


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
    config = uvicorn.Config(never, log_config=None, workers=1, lifespan="on")
    with socket.create_server(HERE) as listener:
        workers = Workers(config, listener)
        workers.start()
        workers.processes[0].join()

        with pytest.raises(StoreUnavailable, match="could not start"):
            workers.replace()


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
