"""Why a request was refused: in the log, with no value that somebody sent, and nowhere else."""

import json
import logging
from typing import Any

import pytest

from gatepass import AsyncTokenManager, TokenPair
from gatepass.asgi import Auth, Cookies, HttpPolicy, Https
from gatepass.gate.rejections import Explanations
from gatepass.http import csrf_token
from tests.asgi.talk import http, talk
from tests.asgi.test_attacks import OWN, secret

pytestmark = pytest.mark.anyio
KEY = b"k" * 32
ASKS = {"access_control_request_method": "POST"}
TWICE = "the cookie gatepass-access is given twice: one may come from a sub-domain, or another path"
SECRET = (b"authorization", b"cookie", b"x-csrf-token")
COOKIES = Cookies(insecure_for_development_over_http=True, csrf_keys=[KEY])


@pytest.fixture
def auth(manager: AsyncTokenManager) -> Auth:
    policy = HttpPolicy(cookies=COOKIES, public_origins=[OWN])
    return Auth(manager, authenticate=lambda _, __: None, http=policy)


@pytest.fixture
async def pair(manager: AsyncTokenManager) -> TokenPair:
    return await manager.issue("ada")


async def refuse(
    caplog: pytest.LogCaptureFixture, app: Any, scope: dict[str, Any], body: bytes = b""
) -> list[tuple[str, str]]:
    """What is logged when this request is refused; nobody else learns more than the table."""
    with caplog.at_level(logging.DEBUG, "gatepass"):
        sent = await talk(app, scope, [{"type": "http.request", "body": body}])

    assert sent[0]["status"] in {400, 401, 403}
    assert set(json.loads(sent[1]["body"])) == {"error", "code"}
    for name, value in scope["headers"]:
        assert name not in SECRET or value.decode() not in caplog.text
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def cookie(pair: TokenPair) -> str:
    return f"gatepass-access={pair.access_token}; gatepass-refresh={pair.refresh_token}"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (
            {},
            "there is neither Origin nor Sec-Fetch-Site: no browser sent this, or a proxy cut it",
        ),
        ({"sec_fetch_site": "cross-site"}, "there is no Origin, and Sec-Fetch-Site is cross-site"),
        ({"sec_fetch_site": "aaaaaaaa"}, "there is no Origin, and Sec-Fetch-Site is unknown"),
        (
            {"origin": "http://127.0.0.1:8000"},
            "the page's origin http://127.0.0.1:8000 is not among public_origins",
        ),
        ({"origin": "null"}, "the page's origin null is not among public_origins"),
        (
            {"origin": "https://x/\n<forged line>"},
            "the page's origin (of no origin's form) is not among public_origins",
        ),
        (
            {"origin": f"https://{'a' * 200}.example"},
            "the page's origin (of no origin's form) is not among public_origins",
        ),
        ({"origin": OWN}, "X-CSRF-Token is missing"),
        (
            {"origin": OWN, "x_csrf_token": "somebody-elses"},
            "X-CSRF-Token is not that of the access cookie's session",
        ),
    ],
)
async def test_each_cause_of_a_failed_csrf_check_is_a_warning(
    caplog: pytest.LogCaptureFixture,
    auth: Auth,
    pair: TokenPair,
    headers: dict[str, str],
    reason: str,
) -> None:
    app = auth.required()(secret)
    told = await refuse(caplog, app, http("POST", "/", cookie=cookie(pair), **headers))

    assert told == [("WARNING", f"csrf_failed: {reason}")]


async def test_what_is_given_twice_is_told(
    caplog: pytest.LogCaptureFixture, auth: Auth, pair: TokenPair
) -> None:
    app = auth.required()(secret)
    token = csrf_token(KEY, pair.session_id)
    ours = http("POST", "/", cookie=cookie(pair), origin=OWN, x_csrf_token=token)
    for name in (b"origin", b"x-csrf-token", b"cookie"):
        twice = [*ours["headers"], *(pair for pair in ours["headers"] if pair[0] == name)]
        await refuse(caplog, app, {**ours, "headers": twice})

    assert [record.getMessage() for record in caplog.records] == [
        "csrf_failed: Origin is given twice",
        "csrf_failed: X-CSRF-Token is given twice",
        f"invalid_request: {TWICE}",
    ]


async def test_a_refresh_by_cookie_tells_which_cookie_proves_nothing(
    caplog: pytest.LogCaptureFixture, auth: Auth, manager: AsyncTokenManager, pair: TokenPair
) -> None:
    app, other = auth.install(secret), await manager.issue("ada")
    headers = {"origin": OWN, "x_csrf_token": csrf_token(KEY, pair.session_id)}
    refresh = f"gatepass-refresh={other.refresh_token}"
    for access in ("", "gatepass-access=forged; ", f"gatepass-access={pair.access_token}; "):
        scope = http("POST", "/auth/refresh", cookie=access + refresh, **headers)
        await refuse(caplog, app, scope)
    begin = "csrf_failed: a refresh by cookie proves its session, and the access cookie "

    assert [record.getMessage() for record in caplog.records] == [
        f"{begin}is missing",
        f"{begin}was signed by no key of ours",
        "csrf_failed: the refresh cookie is of another session than the access cookie",
    ]


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("text/plain", b"{}", "Content-Type is not application/json"),
        ("application/json", b"[]", "the body is not one JSON object without repeated names"),
        ("application/json", b"{}", "username and password are not both there"),
        ("application/json", b'{"username": 7}', "username is not a string"),
        (
            "application/x-www-form-urlencoded",
            b"x",
            "the body is not a form without repeated names",
        ),
        ("application/json", b" " * 70_000, "the body is longer than 65536 bytes, too slow, or"),
        (
            "application/json",
            b'{"username": "hunter-2", "password": "hunter-2", "cookies": 7}',
            "cookies is neither true nor false",
        ),
    ],
)
async def test_each_cause_of_an_invalid_request_is_a_warning(
    caplog: pytest.LogCaptureFixture, auth: Auth, content_type: str, body: bytes, reason: str
) -> None:
    app = auth.install(secret)
    scope = http("POST", "/auth/login", content_type=content_type, x=OWN)
    scope["headers"] = scope["headers"][:1]
    told = [
        record
        for record in await logged(caplog, app, scope, body)
        if record.startswith("invalid_request: ")
    ]

    assert len(told) == 1
    assert told[0].startswith(f"invalid_request: {reason}")
    assert "hunter-2" not in caplog.text


async def logged(
    caplog: pytest.LogCaptureFixture, app: Any, scope: dict[str, Any], body: bytes
) -> list[str]:
    """The messages of a request that is refused."""
    sent = await talk(app, scope, [{"type": "http.request", "body": body}])

    assert sent[0]["status"] == 400
    return [record.getMessage() for record in caplog.records]


async def test_a_log_in_for_cookies_where_there_are_none_is_told(
    caplog: pytest.LogCaptureFixture, manager: AsyncTokenManager
) -> None:
    app = Auth(manager, authenticate=lambda _, __: None).install(secret)
    body = b'{"username": "ada", "password": "correct", "cookies": true}'
    scope = http("POST", "/auth/login", content_type="application/json")

    (told,) = await logged(caplog, app, scope, body)

    assert told.endswith("asks for cookies, and the policy has none: name public_origins")


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        (http(authorization="Bearer x"), "credentials came over http"),
        (http("POST", host="a.example"), "it came over http, and only GET and HEAD move to https"),
        (http(host="b.example"), "it came over http, and its host is not among allowed_hosts"),
        (
            http(path="@c.example", host="a.example"),
            "it came over http, and its target is no path",
        ),
        (
            http(host="a.example", authorization="Bearer x", x_forwarded_proto="https")
            | {"client": ("10.0.0.9", 5)},
            "it came over http, and 10.0.0.9, which says more, is not among trusted_proxies",
        ),
    ],
)
async def test_each_cause_of_a_refusal_over_http_is_a_warning(
    caplog: pytest.LogCaptureFixture,
    manager: AsyncTokenManager,
    scope: dict[str, Any],
    reason: str,
) -> None:
    policy = HttpPolicy(https=Https(allowed_hosts=["a.example"]), trusted_proxies=["10.0.0.7"])
    told = await refuse(caplog, Auth(manager, http=policy).install(secret), scope)

    assert told == [("WARNING", f"https_required: {reason}")]


async def test_what_is_wrong_with_a_token_is_told_to_those_who_debug(
    caplog: pytest.LogCaptureFixture, auth: Auth, pair: TokenPair
) -> None:
    app = auth.required()(secret)
    scope = http(authorization=f"Bearer {pair.refresh_token}")
    told = await refuse(caplog, app, scope)

    assert [level for level, _ in told] == ["DEBUG"]
    assert told[0][1].startswith("token_invalid: ")
    assert told[0][1] != "token_invalid: None"
    assert pair.refresh_token.split(".")[1] not in caplog.text


@pytest.mark.parametrize("kind", ["csrf_failed", "preflight rejected"])
async def test_strangers_cause_twenty_warnings_a_minute_of_a_kind_at_most(
    auth: Auth, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    now = [0.0]
    auth._explanations = Explanations(lambda: now[0])
    method, asks = ("POST", {}) if kind == "csrf_failed" else ("OPTIONS", ASKS)
    headers = {"origin": "https://evil.example", "content_type": "application/json", **asks}
    form = b'{"username":"ada","password":"x","cookies":true}'
    app = auth.install(secret)

    async def warnings(times: int) -> list[str]:
        caplog.clear()
        for _ in range(times):
            scope = http(method, "/auth/login", **headers)
            await talk(app, scope, [{"type": "http.request", "body": form}])
        return [record.getMessage() for record in caplog.records]

    told = await warnings(100)
    assert len(told) == 21
    assert len(set(told[:20])) == 1
    assert told[0].startswith(f"{kind}: the page's origin https://evil.example is not")
    assert told[20] == f"{kind}: 20 warnings within a minute, the next ones are left out"
    now[0] = 59.9
    assert await warnings(5) == []
    now[0] = 60.0
    assert await warnings(3) == told[:3]
