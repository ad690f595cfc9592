"""`gatepass serve` behind a real nginx, with the configuration of docs/proxies.md."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event

import httpx
import pytest

from tests.budget import PATIENCE_S, until
from tests.project.documents import parse_blocks
from tests.project.files import ROOT
from tests.server.running import Running, free_port, gatepass, serving
from tests.servers.certificates import write_certificate
from tests.servers.nginx import nginx

pytestmark = pytest.mark.web

PAGE = ROOT / "docs" / "proxies.md"
PASSWORD = "a password for production"
APP, ID = "app.example.com", "id.example.com"
OWN_PAGE = {"Origin": f"https://{APP}"}


@dataclass
class Front:
    """nginx, and the servers behind it."""

    http: int
    https: int
    context: ssl.SSLContext
    servers: list[Running]

    def client(self, host: str, source: str = "127.0.0.1") -> httpx.Client:
        """A client of this host, from this address."""
        transport = httpx.HTTPTransport(verify=self.context, local_address=source)
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.https}",
            headers={"Host": host},
            transport=transport,
            timeout=PATIENCE_S,
        )
        hooks = client.event_hooks
        hooks["request"] = [lambda asked: asked.extensions.update(sni_hostname=host)]
        client.event_hooks = hooks
        return client


def blocks(language: str) -> list[str]:
    return [block.text for block in parse_blocks(PAGE) if block.language == language]


def environment_of_the_page() -> dict[str, str]:
    [text] = [text for text in blocks("text") if "GATEPASS_ENV" in text]
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    here = folder / "here"
    here.mkdir()
    environ = environment_of_the_page() | {
        "JWT_ACCESS_SECRET": "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a",
        "JWT_REFRESH_SECRET": "Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6",
        "DATABASE_URL": f"sqlite:///{here}/gate.db",
        "GATEPASS_DRAIN_SECONDS": str(int(PATIENCE_S)),
    }
    added = gatepass(
        ["users", "add", "ada", "--password-stdin"], here, environ=environ, stdin=PASSWORD
    )
    assert added.returncode == 0, added.stderr
    certificate = write_certificate(folder)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving(here, *arguments, environ=environ, name=f"s{number}"))
            for number, arguments in enumerate([("--workers", "2"), ()])
        ]
        ports = {"listen 80": free_port(), "listen 443": free_port()}
        [block] = blocks("nginx")
        for written, port in ports.items():
            block = block.replace(written, f"listen 127.0.0.1:{port}")
        for number, server in enumerate(servers, start=1):
            block = block.replace(f"127.0.0.1:800{number}", f"127.0.0.1:{server.port}")
        for ending in ("pem", "key"):
            block = block.replace(f"/etc/ssl/example.com.{ending}", str(certificate))
        stack.enter_context(nginx(folder, block))
        context = ssl.create_default_context(cafile=str(certificate))
        context.check_hostname = False  # the certificate is for this machine
        front = Front(ports["listen 80"], ports["listen 443"], context, servers)
        with front.client(ID) as client:
            until(lambda: answers(client))
        yield front


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def log_in(client: httpx.Client, path: str, **more: object) -> httpx.Response:
    body = {"username": "ada", "password": PASSWORD, **more}
    return client.post(path, json=body, headers=OWN_PAGE)


def test_a_browser_keeps_its_session_below_the_prefix(front: Front) -> None:
    with front.client(APP) as browser:
        logged_in = log_in(browser, "/api/auth/login", cookies=True)
        assert logged_in.status_code == 200, logged_in.text
        proof = OWN_PAGE | {"X-CSRF-Token": logged_in.json()["csrf_token"]}
        refreshed = browser.post("/api/auth/refresh", headers=proof)
        me = browser.get("/api/auth/me")
        logged_out = browser.post("/api/auth/logout", headers=proof)
        kept = [cookie.name for cookie in browser.cookies.jar]

    assert [answer.status_code for answer in (refreshed, me, logged_out)] == [200] * 3
    assert kept == ["__Host-gatepass-device"]
    assert me.headers["strict-transport-security"] == "max-age=31536000"


def test_the_interactive_page_finds_its_files_below_the_prefix(front: Front) -> None:
    with front.client(APP) as browser:
        page = browser.get("/api/docs")
        files = [
            browser.get(f"/api/{name}")
            for name in ("openapi.json", "static-offline-docs/swagger-ui-bundle.js")
        ]

    assert [answer.status_code for answer in (page, *files)] == [200] * 3
    assert "url: 'openapi.json'" in page.text
    for answer in (page, *files):
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_plain_http_moves_to_https_and_takes_no_password(front: Front) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{front.http}", headers={"Host": ID}) as client:
        moved = client.get("/auth/me?a=1")
        refused = log_in(client, "/auth/login")

    assert (moved.status_code, moved.headers["location"]) == (308, f"https://{ID}/auth/me?a=1")
    assert refused.status_code == 308  # by nginx: the password has been sent, and goes no further


def test_the_client_is_known_by_its_own_address_and_not_by_what_it_claims(front: Front) -> None:
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
    with front.client(ID, source="127.0.0.5") as client:
        for _ in front.servers:
            assert client.get("/.well-known/jwks.json", headers=claims).status_code == 200
    logged = "".join(server.stderr for server in front.servers)

    assert "127.0.0.5:0 - " in logged
    assert "203.0.113.9" not in logged


def test_no_request_fails_when_a_server_ends_under_load(front: Front) -> None:
    with front.client(ID) as client:
        pair = log_in(client, "/auth/login").json()
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    ending, ended = front.servers[0].process, Event()
    counts = [0] * 4

    def ask(number: int) -> set[int]:
        statuses: set[int] = set()
        with front.client(ID) as client:
            while not ended.is_set() or counts[number] < 20:
                statuses.add(client.get("/auth/me", headers=bearer).status_code)
                counts[number] += 1
        return statuses

    with ThreadPoolExecutor(len(counts)) as threads:
        asking = [threads.submit(ask, number) for number in range(len(counts))]
        try:
            until(lambda: min(counts) >= 5 or any(each.done() for each in asking))
            ending.terminate()
            status = ending.wait(PATIENCE_S)
        finally:
            ended.set()

    assert [each.result() for each in asking] == [{200}] * len(counts)
    assert status == 0
