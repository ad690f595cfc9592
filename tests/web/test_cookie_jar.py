"""A browser's way over TLS: log in, read, refresh, log out, with nothing but its cookie jar."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers.certificates import write_certificate
from tests.web.apps.parts import PASSWORDS
from tests.web.patterns import ORIGINS
from tests.web.stage import Stage
from tests.web.target import Target, running
from tests.web.tls import proxying

pytestmark = pytest.mark.web

ACCESS, REFRESH, CSRF, DEVICE = (
    "__Host-gatepass-access",
    "__Secure-gatepass-refresh",
    "__Host-gatepass-csrf",
    "__Host-gatepass-device",
)
OWN_PAGE = {"Origin": ORIGINS["production"]}


@pytest.fixture
def browser(target: Target, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client with a jar, in front of the program in production."""
    certificate = write_certificate(tmp_path)
    stage = Stage(tmp_path, target, "production")
    context = ssl.create_default_context(cafile=str(certificate))
    if target.has_routes:
        with (
            running(target, tmp_path, stage.environ, tls=certificate) as program,
            httpx.Client(base_url=program.url, verify=context) as client,
        ):
            yield client
        return
    with (  # the ready server leaves TLS to a proxy
        running(target, tmp_path, stage.environ) as program,
        proxying(program.port, certificate) as url,
        httpx.Client(base_url=url, verify=context) as client,
    ):
        yield client


def jar(client: httpx.Client) -> dict[str, tuple[str | None, str, bool, bool]]:
    """Value, path, whether only over TLS and whether out of reach of scripts, by name."""
    return {
        cookie.name: (
            cookie.value,
            cookie.path,
            cookie.secure,
            cookie.has_nonstandard_attr("HttpOnly"),
        )
        for cookie in client.cookies.jar
    }


def test_a_browser_logs_in_reads_refreshes_and_logs_out(browser: httpx.Client) -> None:
    form = {"username": "ada", "password": PASSWORDS["ada"], "cookies": "true"}
    logged_in = browser.post("/auth/login", data=form, headers=OWN_PAGE)
    first = jar(browser)
    me = browser.get("/auth/me")
    proof = OWN_PAGE | {"X-CSRF-Token": str(first[CSRF][0])}
    refreshed = browser.post("/auth/refresh", headers=proof)
    second = jar(browser)
    bare = browser.post("/auth/logout", headers=OWN_PAGE)
    logged_out = browser.post("/auth/logout", headers=proof)

    assert logged_in.status_code == 200
    assert "access_token" not in logged_in.json()
    assert {name: kept[1:] for name, kept in first.items()} == {
        ACCESS: ("/", True, True),
        REFRESH: ("/auth", True, True),
        CSRF: ("/", True, False),
        DEVICE: ("/", True, True),
    }
    assert me.json()["sid"] == logged_in.json()["session_id"]
    assert refreshed.status_code == 200
    assert second[CSRF] == first[CSRF]
    assert second[ACCESS] != first[ACCESS]
    assert second[REFRESH] != first[REFRESH]
    assert bare.json()["code"] == "csrf_failed"
    assert logged_out.json() == {"message": "Logged out successfully"}
    assert set(jar(browser)) == {DEVICE}
    assert browser.get("/auth/me").json()["code"] == "token_missing"
