"""The interactive page as a person uses it: Authorize, then try a protected route."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.budget import until
from tests.server.running import Running, free_port, serving
from tests.servers.nginx import nginx

pytestmark = pytest.mark.browser

_FORM = ".auth-container"
_ME = "#operations-auth-gatepass_me_auth_me_get"


@contextmanager
def below(prefix: str, server: Running, folder: Path) -> Iterator[str]:
    """The address of the server, below the prefix of a proxy if there is one."""
    if not prefix:
        yield server.url
        return
    port = free_port()
    location = f"location {prefix}/ {{ proxy_pass {server.url}/; }}"
    with nginx(folder, f"server {{ listen 127.0.0.1:{port}; {location} }}"):
        until(lambda: is_there(port))
        yield f"http://127.0.0.1:{port}{prefix}"


def is_there(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


@pytest.mark.parametrize("prefix", ["", "/api"], ids=["at the root", "below a prefix"])
def test_authorize_logs_in_and_try_it_out_is_answered(
    prefix: str, browser: Chrome, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    with serving(here) as server, below(prefix, server, tmp_path) as url:
        browser.get(f"{url}/docs")
        browser.find_element(By.CSS_SELECTOR, "button.authorize").click()
        browser.find_element(By.CSS_SELECTOR, f"{_FORM} #oauth_username").send_keys("admin")
        password = browser.find_element(By.CSS_SELECTOR, f"{_FORM} #oauth_password")
        password.send_keys(server.password)
        browser.find_element(By.CSS_SELECTOR, f"{_FORM} button.authorize").click()
        browser.find_element(By.CSS_SELECTOR, f"{_FORM} .btn-done").click()

        browser.find_element(By.CSS_SELECTOR, f"{_ME} button").click()
        browser.find_element(By.CSS_SELECTOR, f"{_ME} .try-out__btn").click()
        browser.find_element(By.CSS_SELECTOR, f"{_ME} .execute").click()
        body = browser.find_element(
            By.CSS_SELECTOR, f"{_ME} .live-responses-table .response-col_description pre"
        )

        assert json.loads(body.text)["username"] == "admin"
        assert [line for line in console(browser) if line["level"] == "SEVERE"] == []


def console(browser: Chrome) -> list[dict[str, Any]]:
    """What the page wrote to the browser's console."""
    get_log: Any = browser.get_log
    lines: list[dict[str, Any]] = get_log("browser")
    return lines
