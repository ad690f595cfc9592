"""A proxy, the server that it asks, and an application: by the configurations of a page."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from gatepass.jose import SharedKey, sign, verify
from tests.budget import PATIENCE_S, until
from tests.project.documents import parse_blocks
from tests.project.files import ROOT
from tests.server.running import free_port, gatepass, serving
from tests.servers.caddy import caddy
from tests.servers.certificates import write_certificate
from tests.servers.echo import Echo, echo
from tests.servers.nginx import nginx

PAGE: Final = ROOT / "docs" / "proxy-gate.md"
HOST: Final = "app.example.com"
SECRET: Final = "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a"
PASSWORD: Final = "a password for production"


@dataclass
class Front:
    """A proxy, the server that it asks, and the application behind it."""

    kind: str
    port: int
    context: ssl.SSLContext
    configuration: str
    gate: str
    """The address of the server that the proxy asks."""
    database: Path
    application: Echo
    tokens: dict[str, str]
    sender: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.sender = self.client()

    def client(self, **headers: str) -> httpx.Client:
        """A client of the host."""
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": HOST, **headers},
            verify=self.context,
            timeout=PATIENCE_S,
        )
        hooks = client.event_hooks
        hooks["request"] = [lambda asked: asked.extensions.update(sni_hostname=HOST)]
        client.event_hooks = hooks
        return client

    def ask(self, line: str, *headers: tuple[str, str], who: str = "ada", **how: Any) -> Any:
        """The answer to a request with a token, and whether it reached the application."""
        bearer = [("Authorization", f"Bearer {self.tokens[who]}")] if who else []
        return self.send(line, *bearer, *headers, **how)

    def send(self, line: str, *headers: tuple[str, str], **how: Any) -> httpx.Response:
        """The answer to a request; one that is no success has not reached the application."""
        method, _, path = line.partition(" ")
        before = self.application.reached
        answer = self.sender.request(method, path, headers=list(headers), **how)
        assert self.application.reached - before == answer.is_success, answer.text
        return answer

    def changed(self, who: str = "ada", **claims: Any) -> str:
        """A token with other claims, signed all the same."""
        key = SharedKey.from_secret(SECRET)
        return sign(json.loads(verify(self.tokens[who], key).payload) | claims, key, typ="at+jwt")

    @contextmanager
    def outage(self) -> Iterator[None]:
        """The database's files are elsewhere meanwhile."""
        names = [file.name for file in self.database.parent.glob(f"{self.database.name}*")]
        elsewhere = self.database.parent / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        for name in names:
            (self.database.parent / name).rename(elsewhere / name)
        try:
            yield
        finally:
            for name in names:
                (elsewhere / name).rename(self.database.parent / name)


def block(language: str) -> str:
    """The first block of the page in this language."""
    return next(each.text for each in parse_blocks(PAGE) if each.language == language)


RUN: Final[dict[str, Callable[[Path, str], Any]]] = {"nginx": nginx, "caddy": caddy}


def written(kind: str, port: int, replaced: dict[str, str], certificate: Path) -> str:
    """The configuration of the page for this machine."""
    site = f"https://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {certificate}\n"
    local = {
        "nginx": {
            "listen 443": f"listen 127.0.0.1:{port}",
            "/etc/ssl/example.com.pem": str(certificate),
            "/etc/ssl/example.com.key": str(certificate),
        },
        "caddy": {f"{HOST} {{\n": site},
    }
    return changed(block(kind), replaced | local[kind])


def changed(text: str, replaced: dict[str, str]) -> str:
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def is_up(front: Front) -> bool:
    try:
        with front.client() as client:
            return client.get("/auth/verify").status_code == 404
    except httpx.TransportError:
        return False


@contextmanager
def front_of(kind: str, folder: Path) -> Iterator[Front]:
    """A proxy by the page's configuration, with the tokens of an admin and of a user."""
    here = folder / "here"
    here.mkdir()
    page = dict(line.split("=", 1) for line in block("text").splitlines())
    environ = page | {
        "GATEPASS_PROXY_GATE": kind,
        "JWT_ACCESS_SECRET": SECRET,
        "JWT_REFRESH_SECRET": "Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6",
        "DATABASE_URL": f"sqlite:///{here}/gate.db",
    }
    for name, role in (("ada", "admin"), ("grace", "user")):
        command = ["users", "add", name, "--role", role, "--password-stdin"]
        added = gatepass(command, here, environ=environ, stdin=PASSWORD)
        assert added.returncode == 0, added.stderr
    certificate = write_certificate(folder)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False  # the certificate is for this machine
    with ExitStack() as stack:
        server = stack.enter_context(serving(here, environ=environ))
        application = stack.enter_context(echo())
        gate = f"127.0.0.1:{server.port}"
        replaced = {
            "127.0.0.1:8001": gate,
            "127.0.0.1:9000": f"127.0.0.1:{application.server_port}",
        }
        port = free_port()
        text = written(kind, port, replaced, certificate)
        stack.enter_context(RUN[kind](folder, text))
        front = Front(kind, port, context, text, gate, here / "gate.db", application, {})
        until(lambda: is_up(front))
        for name in ("ada", "grace"):
            with front.client() as client:
                pair = client.post("/auth/login", json={"username": name, "password": PASSWORD})
            front.tokens[name] = pair.json()["access_token"]
        yield front
        front.sender.close()


@contextmanager
def other_front(front: Front, folder: Path, replaced: dict[str, str]) -> Iterator[Front]:
    """The same behind another proxy, with other lines in its configuration."""
    port = free_port()
    text = changed(front.configuration, replaced | {str(front.port): str(port)})
    with RUN[front.kind](folder, text):
        other = replace(front, port=port)
        until(lambda: is_up(other))
        yield other
        other.sender.close()
