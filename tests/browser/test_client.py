"""`gatepass.js` in a real browser, as docs/browser.md shows it, and what attackers cannot do."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from selenium.webdriver import Chrome

from tests.browser.scenes import Scene, development, pages, production
from tests.budget import LONG
from tests.project.documents import parse_blocks
from tests.project.files import ROOT

pytestmark = pytest.mark.browser

Make = Callable[[Path], AbstractContextManager[Scene]]
_FRAMEWORKS: Final = ("asgi", "fastapi", "flask", "django-wsgi", "serve")
_SCENES: Final = {
    **{f"{name} in development": partial(development, name) for name in _FRAMEWORKS},
    **{f"{name} over TLS": partial(production, name) for name in _FRAMEWORKS},
    "two hosts": partial(production, "serve", is_elsewhere=True),
}
_CREATE: Final = """
const {createClient} = await import(`${server}/auth/client.js`);
const gate = window.gate = createClient({base: `${server}/auth`});
"""
_AFTER_RELOAD: Final = """
const me = await gate.session();
const other = `${server}/auth/sessions/x`;
const unknown = await gate.fetch(other, {method: "DELETE"}).catch(error => error.code);
const listed = await gate.sessions();
await gate.logOut();
const after = await gate.fetch(`${server}/auth/me`).catch(error => error.code);
return [me, unknown, listed, await gate.session(), after];
"""


def run(browser: Chrome, scene: Scene, steps: str, **values: object) -> Any:
    """What these steps return on the page, or the text of their error."""
    known = {"server": scene.server, "password": scene.password, **values}
    names = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items())
    found: Any = browser.execute_async_script(
        f"const done = arguments[0]; (async () => {{ {names}{steps} }})()"
        ".then(done, error => done(`${error.code} ${error}`));"
    )
    return found


def example(scene: Scene) -> str:
    """The first example of the document, for a page that may be elsewhere."""
    block = next(
        each for each in parse_blocks(ROOT / "docs" / "browser.md") if each.language == "javascript"
    )
    code = block.text.partition("\n")[2].replace('"/auth', f'"{scene.server}/auth')
    code = code.replace("purple-kettle-sings", scene.password).replace("const gate =", "gate =")
    return f"let gate; const {{createClient}} = await import(`${{server}}/auth/client.js`);{code}"


@pytest.mark.parametrize("make", _SCENES.values(), ids=_SCENES)
def test_a_page_logs_in_is_loaded_again_and_logs_out(
    browser: Chrome, tmp_path: Path, make: Make
) -> None:
    with make(tmp_path) as scene:
        browser.get(scene.page)
        stranger = run(browser, scene, f"{_CREATE} return gate.session();")
        listed = run(browser, scene, f"{example(scene)} return sessions;")
        browser.refresh()
        found = run(browser, scene, _CREATE + _AFTER_RELOAD)
        assert isinstance(found, list), found
        me, unknown, again, gone, after = found

    assert stranger is None
    assert [session["current"] for session in listed] == [True]
    assert me["sid"] == listed[0]["session_id"] == again[0]["session_id"]
    assert (unknown, gone, after) == ("session_unknown", None, "token_missing")


def test_a_page_on_another_port_calls_routes_of_the_application(
    browser: Chrome, tmp_path: Path
) -> None:
    with pages(tmp_path) as page, development("fastapi", tmp_path, page=page) as scene:
        browser.get(page)
        steps = """await gate.logIn("ada", password);
        const told = await gate.fetch(`${server}/private`, {method: "POST"});
        return [await told.json(), await gate.fetch(location.href).catch(error => error.code)];"""
        told, foreign = run(browser, scene, _CREATE + steps)

    assert told == {"subject": "user-ada"}
    assert foreign == "foreign_origin"


_SPY: Final = """
window.stolen = [];
const plain = window.fetch;
window.fetch = async (input, init) => {
  const answer = await plain(input, init);
  const sent = [...new Headers(init?.headers)];
  const told = [[...answer.headers], await answer.clone().text()];
  window.stolen.push(JSON.stringify([sent, init?.body, told]));
  return answer;
};
"""
_STEAL: Final = """
await gate.logIn("ada", password);
await gate.fetch(`${server}/auth/refresh`, {method: "POST"});
const kept = [document.cookie, {...localStorage}, {...sessionStorage}, await indexedDB.databases()];
return JSON.stringify([window.stolen, kept, Object.keys(gate), String(gate.fetch)]);
"""


def tokens_of(browser: Chrome) -> list[str]:
    """The tokens in the browser's cookies, which only the browser itself can read."""
    cookies = browser.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]
    return [
        each["value"]
        for each in cookies
        if each["name"].endswith(("gatepass-access", "gatepass-refresh"))
    ]


def test_an_injected_script_reads_no_token(browser: Chrome, tmp_path: Path) -> None:
    with development("serve", tmp_path) as scene:
        browser.get(scene.page)
        stolen = run(browser, scene, _SPY + _CREATE + _STEAL)
        tokens = tokens_of(browser)

    assert "csrf_token" in stolen
    assert len(tokens) == 2
    assert [token for token in tokens if token.rpartition(".")[2] in stolen] == []


_ATTACK: Final = """
const routes = ["login", "csrf", "refresh", "logout", "logout-all", "password", "me", "sessions",
  `sessions/${sid}`];
const credentials = {username: "ada", password, cookies: true};
const told = [];
for (const route of routes)
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    for (const mode of ["cors", "no-cors"])
      for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"]) {
        const body = /GET|HEAD/.test(method) ? undefined : JSON.stringify(credentials);
        const init = {method, mode, body, credentials: "include", headers: {"Content-Type": type}};
        try {
          const answer = await fetch(`${server}/auth/${route}`, init);
          if (answer.type !== "opaque") told.push([route, method, answer.status]);
        } catch {}
      }
return told;
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example.com"])
def test_a_foreign_page_does_nothing(browser: Chrome, tmp_path: Path, host: str) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    with development("fastapi", tmp_path) as scene, pages(evil) as page:
        browser.get(scene.page)
        before = run(
            browser,
            scene,
            f"""{_CREATE} await gate.logIn("ada", password);
            return [(await gate.session()).sid, await gate.sessions()];""",
        )
        tokens = tokens_of(browser)
        browser.get(page.replace("127.0.0.1", host))
        read = run(browser, scene, _ATTACK, sid=before[0])
        browser.get(scene.page)
        after = run(
            browser,
            scene,
            f"""{_CREATE}
            return [(await gate.session()).sid, await gate.sessions()];""",
        )
        kept = tokens_of(browser)

    assert read == []
    assert after == before
    assert kept == tokens


_ROUND: Final = """
window.refreshes ??= 0;
const claims = [];
const plain = window.fetch;
window.fetch = (input, init) => {
  if (String(input).endsWith("/refresh")) window.refreshes++;
  return plain(input, init);
};
for (let asked = 0; asked < 20; asked++) claims.push(await gate.session());
window.fetch = plain;
return claims.map(each => each?.sid);
"""


def test_tabs_share_a_session_over_many_expiries(browser: Chrome, tmp_path: Path) -> None:
    tabs, expiries = (20, 1000) if LONG else (3, 3)
    with development("serve", tmp_path, lifetime="1s") as scene:
        browser.get(scene.page)
        sid = run(browser, scene, f'{_CREATE} return (await gate.logIn("ada", password)).sid;')
        for _ in range(tabs - 1):
            browser.switch_to.new_window("tab")
            browser.get(scene.page)
            run(browser, scene, f"{_CREATE}")
        refreshes = dict.fromkeys(browser.window_handles, 0)
        while sum(refreshes.values()) < expiries:
            for handle in refreshes:
                browser.switch_to.window(handle)
                assert set(run(browser, scene, "const {gate} = window;" + _ROUND)) == {sid}
                refreshes[handle] = browser.execute_script("return window.refreshes")
