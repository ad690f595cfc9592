"""The programs under test: each framework behind a real server, and `gatepass serve`."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from tests.budget import PATIENCE_S
from tests.project.files import ROOT
from tests.server.running import PROGRAM, environment, free_port
from tests.servers.programs import until_answered

_UVICORN: Final = ("uvicorn", "--no-proxy-headers", "--no-server-header", "--log-level", "warning")
_GUNICORN: Final = (
    *("gunicorn", "--threads", "8", "--forwarded-allow-ips", "", "--log-level", "warning"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """One program: an application, and the server that runs it."""

    name: str
    server: str
    app: str = ""
    views: str = "sync"

    def command(self, port: int, tls: Path | None = None) -> list[str]:
        """How it is started."""
        run, module = [sys.executable, "-m"], f"tests.web.apps.{self.app}:app"
        match self.server:
            case "uvicorn":
                files = [] if tls is None else [f"--ssl-keyfile={tls}", f"--ssl-certfile={tls}"]
                return [*run, *_UVICORN, "--port", str(port), *files, module]
            case "gunicorn":
                files = [] if tls is None else [f"--keyfile={tls}", f"--certfile={tls}"]
                return [*run, *_GUNICORN, "-b", f"127.0.0.1:{port}", *files, module]
            case _:
                return [*PROGRAM, "serve", "--port", str(port)]

    @property
    def has_routes(self) -> bool:
        """Whether there are routes of an application besides gatepass's own."""
        return self.server != "gatepass"


TARGETS: Final = (
    Target("asgi", "uvicorn", "asgi_app"),
    Target("fastapi", "uvicorn", "fastapi_app"),
    Target("flask", "gunicorn", "flask_app"),
    Target("django-wsgi", "gunicorn", "django_wsgi"),
    Target("django-asgi", "uvicorn", "django_asgi", "async"),
    Target("django-rest", "gunicorn", "django_wsgi", "rest"),
    Target("serve", "gatepass"),
)


@dataclass(slots=True)
class Running:
    """A program under way."""

    target: Target
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    is_secure: bool
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'https' if self.is_secure else 'http'}://127.0.0.1:{self.port}"


@contextmanager
def running(
    target: Target,
    folder: Path,
    environ: Mapping[str, str],
    *,
    tls: Path | None = None,
    port: int | None = None,
) -> Iterator[Running]:
    """The program with these variables, at this port if one is given; it is gone afterwards."""
    port = port or free_port()
    log = folder / f"{target.name}-{port}.log"
    variables = {**environment(environ), "WEB_VIEWS": target.views}
    variables["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], str(ROOT)])
    with log.open("wb") as opened:
        process = subprocess.Popen(
            target.command(port, tls),
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=opened,
        )
    program = Running(target, process, port, log, tls is not None)
    try:
        until_answered(process, f"{program.url}/.well-known/jwks.json", log)
        yield program
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
