"""The JavaScript of docs/cookies.md in a real browser, in development and in production."""

import functools
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from selenium.webdriver import Chrome

from gatepass.server.secrets import generate_secret
from tests.project.documents import parse_blocks
from tests.project.files import ROOT
from tests.server.running import free_port, gatepass, serving, start
from tests.servers.certificates import write_certificate
from tests.web.tls import proxying

pytestmark = pytest.mark.browser

_PASSWORD: Final = "purple-kettle-sings"
_LOG_IN: Final = """
const credentials = {username: %s, password: %s, cookies: true};
return [await call("GET", "/auth/me"), await call("POST", "/auth/login", credentials)];
"""
_AFTER_RELOAD: Final = """
const me = await call("GET", "/auth/me");
const refreshed = await call("POST", "/auth/refresh");
csrf = "of another tab's session, which this one replaced";
const listed = await call("GET", "/auth/sessions");
const ended = await call("POST", "/auth/logout");
return [me, refreshed, listed, ended, await call("GET", "/auth/me")];
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A page, the server that it calls if that has another origin, and an account."""

    page: str
    server: str
    username: str
    password: str


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    """The address of a front end's own server."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def one_origin(folder: Path) -> Iterator[Scene]:
    with serving(folder) as server:
        yield Scene(f"{server.url}/healthz", "", "admin", server.password)


@contextmanager
def two_ports(folder: Path) -> Iterator[Scene]:
    with (
        pages(folder) as page,
        serving(folder, environ={"GATEPASS_PUBLIC_ORIGINS": page}) as server,
    ):
        yield Scene(page, server.url, "admin", server.password)


@contextmanager
def two_hosts(folder: Path) -> Iterator[Scene]:
    """A page at app.example.com and a server at id.example.com, in production."""
    port, certificate = free_port(), write_certificate(folder)
    with ExitStack() as stack:
        page, server = (
            stack.enter_context(proxying(port, certificate)).replace("127.0.0.1", host)
            for host in ("app.example.com", "id.example.com")
        )
        environ = {
            "GATEPASS_ENV": "production",
            "GATEPASS_TRUSTED_PROXIES": "127.0.0.1",
            "GATEPASS_PUBLIC_ORIGINS": page,
            "JWT_ACCESS_SECRET": generate_secret(),
            "JWT_REFRESH_SECRET": generate_secret(),
            "DATABASE_URL": f"sqlite:///{folder / 'gate.db'}",
        }
        running = start(folder, environ=environ, port=port)
        stack.callback(running.stop)
        running.wait()
        adding = ["users", "add", "ada", "--password-stdin"]
        assert gatepass(adding, folder, environ=environ, stdin=_PASSWORD).returncode == 0
        yield Scene(f"{page}/healthz", server, "ada", _PASSWORD)


Make = Callable[[Path], AbstractContextManager[Scene]]


def run(browser: Chrome, scene: Scene, steps: str) -> list[dict[str, Any]]:
    """What these steps return on the page, after the JavaScript of the document."""
    (block,) = [
        each for each in parse_blocks(ROOT / "docs" / "cookies.md") if each.language == "javascript"
    ]
    code = block.text.replace('server = ""', f"server = {json.dumps(scene.server)}")
    found: Any = browser.execute_async_script(
        f"const done = arguments[0]; (async () => {{ {code}\n{steps} }})()"
        ".then(done, error => done(String(error)));"
    )
    assert isinstance(found, list), found
    return found


@pytest.mark.parametrize("make", [one_origin, two_ports, two_hosts])
def test_a_page_logs_in_is_loaded_again_refreshes_and_logs_out(
    browser: Chrome, tmp_path: Path, make: Make
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    with make(here) as scene:
        browser.get(scene.page)
        login = _LOG_IN % (json.dumps(scene.username), json.dumps(scene.password))
        stranger, first = run(browser, scene, login)
        browser.refresh()
        me, refreshed, listed, ended, gone = run(browser, scene, _AFTER_RELOAD)

    assert stranger["code"] == "token_missing"
    assert me["username"] == scene.username
    assert me["sid"] == first["session_id"] == refreshed["session_id"]
    assert [session["current"] for session in listed["sessions"]] == [True]
    assert ended == {"message": "Logged out successfully"}
    assert gone["code"] == "token_missing"
