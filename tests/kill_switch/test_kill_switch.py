"""One session is revoked in another process: its websockets close in all processes, no others."""

import asyncio
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from subprocess import PIPE, Popen
from typing import Any

import httpx
import pytest

from benchmarks.page import table, write_section
from gatepass import TokenManager
from gatepass.stores.sql import SqlStore
from tests.budget import LONG
from tests.kill_switch.app import ACCESS, POLICY, REFRESH
from tests.kill_switch.crowd import Client, close_all, open_all, require_open, until_closed
from tests.project.files import ROOT
from tests.revocations.worlds import empty_backend, open_store
from tests.server.running import environment, free_port
from tests.servers.programs import program_of, until_answered

pytestmark = pytest.mark.workers

PROCESSES = 4
WATCHED = 2_500 if LONG else 50
"""Watched websockets of each process, by turns of all sessions."""
SESSIONS = WATCHED // 5
REVOKED = 50 if LONG else 5
IDLE_S = 10.0 if LONG else 1.0
REPORT = "GATEPASS_WATCH_REPORT"
HEAD = (
    "database",
    "websockets",
    "closed",
    "median, ms",
    "99 of 100, ms",
    "slowest, ms",
    "idle CPU",
)
SERVER = (
    *("uvicorn", "--factory", "--log-level=warning", "--host=127.0.0.1"),
    *("--ws-ping-interval=100000", "--ws-ping-timeout=100000", "tests.kill_switch.app:make"),
)


@pytest.fixture(params=["sqlite", "postgres", "redis 8"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gate.db'}"
    return empty_backend(str(request.param))


@pytest.fixture
def manager(url: str) -> Iterator[TokenManager]:
    store: Any = SqlStore.from_url(url) if url.startswith("sqlite") else open_store(url)
    with TokenManager(POLICY, access_keys=ACCESS, refresh_keys=REFRESH, store=store) as manager:
        manager.subject_epoch("ada")  # makes the file
        yield manager


@pytest.fixture
def ports(url: str, manager: TokenManager, tmp_path: Path) -> Iterator[list[int]]:
    """Four servers; `manager` has made the database."""
    del manager
    _allow_sockets(PROCESSES * WATCHED + 1_000)
    variables = environment({"GATE_URL": url})
    variables["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], str(ROOT)])
    with ExitStack() as stack:
        ports = [free_port() for _ in range(PROCESSES)]
        started = []
        for port in ports:
            log = tmp_path / f"{port}.log"
            opened = stack.enter_context(log.open("wb"))
            command = [sys.executable, "-m", *SERVER, f"--port={port}"]
            how = {"cwd": tmp_path, "env": variables, "stdout": opened, "stderr": opened}
            started.append((stack.enter_context(program_of(command, **how)), port, log))
        for process, port, log in started:
            until_answered(process, f"http://127.0.0.1:{port}/cpu", log)
        yield ports


@pytest.fixture
def revoker(url: str, manager: TokenManager) -> Iterator["Popen[str]"]:
    """The process that revokes."""
    del manager
    command = [sys.executable, "-m", "tests.kill_switch.revoke", url]
    variables = environment()
    variables["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], str(ROOT)])
    with program_of(command, env=variables, stdin=PIPE, stdout=PIPE, text=True) as process:
        yield process


@pytest.fixture(scope="module")
def rows() -> Iterator[list[list[str]]]:
    """The figures of each database; a run that is asked to puts them into the page."""
    rows: list[list[str]] = []
    yield rows
    page = os.environ.get(REPORT)
    if page and rows:
        write_section(Path(page), "watch", table(HEAD, rows))


def test_a_revoked_session_closes_exactly_its_websockets_in_every_process(
    url: str,
    manager: TokenManager,
    ports: list[int],
    revoker: "Popen[str]",
    rows: list[list[str]],
) -> None:
    pairs = [manager.issue(f"user-{number}") for number in range(SESSIONS)]
    watched = [
        Client(port, "/watched", pair.session_id, pair.access_token)
        for port in ports
        for number in range(WATCHED)
        for pair in [pairs[number % SESSIONS]]
    ]
    controls = [
        Client(port, "/open", pair.session_id, pair.access_token)
        for port in ports
        for pair in pairs[:REVOKED]
    ]
    figures = asyncio.run(_play(watched, controls, [pair.session_id for pair in pairs], revoker))
    row = [url.partition(":")[0].partition("+")[0], f"{len(watched):,}", *figures.cells()]
    rows.append(row)
    print(dict(zip(HEAD, row, strict=True)))  # noqa: T201 - a report, shown by -s


@dataclass(frozen=True, slots=True)
class Figures:
    """The milliseconds from acknowledgement to close, and the share of a core of idle servers."""

    late_ms: list[float]
    idle: float

    def cells(self) -> list[str]:
        late = self.late_ms
        slow = quantiles(late, n=100, method="inclusive")[98]
        times = (f"{each:.1f}" for each in (median(late), slow, max(late)))
        return [f"{len(late):,}", *times, f"{self.idle:.2%}"]


async def _play(
    watched: list[Client], controls: list[Client], sessions: list[str], revoker: "Popen[str]"
) -> Figures:
    await open_all([*watched, *controls])
    idle = await _idle_share({client.port for client in watched})
    late_ms = []
    for session_id in sessions[:REVOKED]:
        acknowledged = await asyncio.to_thread(_revoke, revoker, session_id)
        its = [client for client in watched if client.session_id == session_id]
        await until_closed(its)
        late_ms += [(client.closed_ns - acknowledged) / 1e6 for client in its]
    lost = [client for client in watched if client.session_id in sessions[:REVOKED]]
    rest = [client for client in watched if client.session_id in sessions[REVOKED:]]
    await require_open([*rest, *controls])

    assert {(client.code, client.reason) for client in lost} == {(4401, "token_revoked")}
    assert {client.port for client in lost} == {client.port for client in watched}
    assert not any(client.closed_ns for client in (*rest, *controls))
    await close_all([*rest, *controls])
    return Figures(late_ms, idle)


def _revoke(revoker: "Popen[str]", session_id: str) -> int:
    """Have the other process revoke; when it was acknowledged."""
    assert revoker.stdin is not None
    assert revoker.stdout is not None
    revoker.stdin.write(f"{session_id}\n")
    revoker.stdin.flush()
    return int(revoker.stdout.readline())


async def _idle_share(ports: set[int]) -> float:
    """The largest share of a core that a server takes while nothing happens."""
    async with httpx.AsyncClient() as client:

        async def used() -> dict[int, tuple[float, float]]:
            answers = {port: await client.get(f"http://127.0.0.1:{port}/cpu") for port in ports}
            return {port: (each.json()["cpu"], each.json()["at"]) for port, each in answers.items()}

        before = await used()
        await asyncio.sleep(IDLE_S)
        after = await used()
    changes = ((cpu - before[port][0], at - before[port][1]) for port, (cpu, at) in after.items())
    return max(cpu / passed for cpu, passed in changes)


def _allow_sockets(count: int) -> None:
    """Raise the limit of open files for this process and the servers that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"{count} sockets need a higher limit of open files than {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
