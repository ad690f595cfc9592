"""`gatepass serve` as a process of its own, and what it said."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from tests.budget import PATIENCE_S
from tests.servers.programs import until_answered

SOURCE: Final = Path(__file__).parents[2] / "src"
PROGRAM: Final = (sys.executable, "-c", "from gatepass.cli import main; main()")
_OURS: Final = re.compile(r"(JWT_|GATEPASS_|DATABASE_URL$|REDIS_URL$)")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of this process without those that gatepass reads, and these."""
    kept = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
    return {**kept, "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1", **(extra or {})}


def gatepass(
    arguments: Sequence[str],
    here: Path,
    *,
    environ: Mapping[str, str] | None = None,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=here,
        env=environment(environ),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def free_port() -> int:
    """A port that nobody listens on, and that the system gives to no client meanwhile."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@dataclass(slots=True)
class Running:
    """A server under way."""

    process: subprocess.Popen[bytes]
    port: int
    said: Path
    logged: Path
    secrets: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """What a proxy in front of it adds to every request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stdout(self) -> str:
        return self.said.read_text()

    @property
    def stderr(self) -> str:
        return self.logged.read_text()

    @property
    def password(self) -> str:
        """The password that the banner shows."""
        found = re.search(r"^admin password: (\S+)$", self.stdout, re.MULTILINE)
        assert found is not None, self.stdout
        return found[1]

    @property
    def lines(self) -> list[str]:
        """The lines to paste."""
        return [line for line in self.stdout.splitlines() if "curl " in line]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers)

    def wait(self) -> None:
        """Wait until it answers."""
        until_answered(self.process, f"{self.url}/healthz", self.logged)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, as an operator does; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def start(
    here: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    name: str = "server",
    port: int | None = 0,
    descriptors: int | None = None,
) -> Running:
    """Start a server in this folder without waiting for it; 0 takes any port, None names none.

    Args:
        here: The folder.
        arguments: What follows `gatepass serve`.
        environ: Beside this process's variables.
        name: Tells outputs of several servers apart.
        port: Where it listens.
        descriptors: How many files and sockets it may have open; None: as many as this process.
    """
    outputs = here.parent / f"{here.name}-{name}"
    outputs.mkdir(exist_ok=True)
    said, logged = outputs / "stdout", outputs / "stderr"
    port = free_port() if port == 0 else port
    named = [] if port is None else ["--port", str(port)]
    with said.open("wb") as stdout, logged.open("wb") as stderr:
        process = subprocess.Popen(
            [*_limited(descriptors), *PROGRAM, "serve", *named, *arguments],
            cwd=here,
            env=environment(environ),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
    return Running(process, port or 0, said, logged)


def _limited(descriptors: int | None) -> list[str]:
    """What stands before a command so that it may open no more than this."""
    if descriptors is None:
        return []
    return ["/bin/sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"]


@contextmanager
def serving(
    here: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    name: str = "server",
    descriptors: int | None = None,
) -> Iterator[Running]:
    """A server in this folder that answers; it is gone afterwards."""
    running = start(here, *arguments, environ=environ, name=name, descriptors=descriptors)
    try:
        running.wait()
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
