"""The example `examples/spa` as people use it, and what axe says about it."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.budget import until
from tests.project.files import ROOT
from tests.server.running import environment, free_port
from tests.servers.programs import program_of, until_answered

pytestmark = pytest.mark.browser

FOLDER: Final = ROOT / "examples" / "spa"
AXE: Final = ROOT / "tests/client_js/node/node_modules/axe-core/axe.min.js"
LOGIN: Final = {"username": "ada", "password": "purple-kettle-sings"}


@contextmanager
def spa(folder: Path, **variables: str) -> Iterator[str]:
    port, log = free_port(), folder / "log"
    environ = environment({"PORT": str(port), "ORIGIN": f"http://127.0.0.1:{port}", **variables})
    command = [sys.executable, str(FOLDER / "app.py")]
    with (
        log.open("wb") as opened,
        program_of(command, cwd=folder, env=environ, stdout=opened, stderr=opened) as process,
    ):
        until_answered(process, f"http://127.0.0.1:{port}/", log)
        yield f"http://127.0.0.1:{port}"


def shows(browser: Chrome, name: str, text: str) -> Callable[[], bool]:
    return lambda: text in browser.find_element(By.ID, name).text


def sign_in(browser: Chrome, url: str) -> None:
    browser.get(url)
    for name, value in LOGIN.items():
        browser.find_element(By.NAME, name).send_keys(value)
    browser.find_element(By.CSS_SELECTOR, "#sign-in button").click()
    until(shows(browser, "live", "open"))


def axe(browser: Chrome) -> list[Any]:
    """The violations that axe finds on the page as it is."""
    browser.execute_script(AXE.read_text())
    found: Any = browser.execute_async_script(
        "const done = arguments[0]; axe.run().then(each => done(each.violations.map(v => v.id)));"
    )
    assert isinstance(found, list)
    return found


def test_a_person_signs_in_ends_another_session_uploads_and_signs_out(
    browser: Chrome, tmp_path: Path
) -> None:
    file = tmp_path / "upload.bin"
    file.write_bytes(b"x" * 100_000)
    with spa(tmp_path) as url:
        elsewhere = httpx.post(f"{url}/auth/login", json=LOGIN).json()
        sign_in(browser, url)
        browser.find_element(By.CSS_SELECTOR, "#sessions button").click()
        until(shows(browser, "status", "That session has ended."))
        bearer = {"Authorization": f"Bearer {elsewhere['access_token']}"}
        ended = httpx.get(f"{url}/auth/me", headers=bearer).json()
        browser.find_element(By.NAME, "file").send_keys(str(file))
        browser.find_element(By.CSS_SELECTOR, "#upload button").click()
        until(shows(browser, "status", "Uploaded 100000 bytes."))
        browser.refresh()
        until(shows(browser, "live", "open"))
        browser.find_element(By.ID, "sign-out").click()
        until(shows(browser, "status", "You have been signed out."))

    assert ended["code"] == "token_revoked"


def test_the_page_sees_that_its_session_was_ended_elsewhere(
    browser: Chrome, tmp_path: Path
) -> None:
    with spa(tmp_path) as url:
        sign_in(browser, url)
        pair = httpx.post(f"{url}/auth/login", json=LOGIN).json()
        bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        httpx.post(f"{url}/auth/logout-all", headers=bearer).raise_for_status()
        until(shows(browser, "status", "You have been signed out."))


def test_an_upload_survives_the_expiry_of_the_access_token(browser: Chrome, tmp_path: Path) -> None:
    file = tmp_path / "upload.bin"
    file.write_bytes(b"x" * 1000)
    with spa(tmp_path, ACCESS_SECONDS="1") as url:
        sign_in(browser, url)
        until(lambda: httpx.get(f"{url}/auth/me", cookies=cookies(browser)).status_code == 401)
        browser.find_element(By.NAME, "file").send_keys(str(file))
        browser.find_element(By.CSS_SELECTOR, "#upload button").click()
        until(shows(browser, "status", "Uploaded 1000 bytes."))


def cookies(browser: Chrome) -> dict[str, str]:
    return {each["name"]: each["value"] for each in browser.get_cookies()}


@pytest.mark.skipif(not AXE.exists(), reason="axe is not installed: make browser")
def test_axe_finds_nothing_on_both_pages(browser: Chrome, tmp_path: Path) -> None:
    with spa(tmp_path) as url:
        browser.get(url)
        until(lambda: browser.find_element(By.ID, "sign-in").is_displayed())
        before = axe(browser)
        sign_in(browser, url)
        after = axe(browser)

    assert (before, after) == ([], [])


def test_no_script_of_another_server_runs_and_the_script_is_short(tmp_path: Path) -> None:
    with spa(tmp_path) as url:
        policy = httpx.get(url).headers["content-security-policy"]

    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert len((FOLDER / "pages" / "app.js").read_text().splitlines()) <= 200
    page = (FOLDER / "pages" / "index.html").read_text()
    assert not re.search(r"<script(?! type=\"module\" src=)", page)
