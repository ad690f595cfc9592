"""Guards around applications, routes in front of them, and what passes through untouched."""

import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gatepass import (
    AsyncTokenManager,
    AsyncTokenVerifier,
    TokenIssuer,
    TokenManager,
    TokenPolicy,
    TokenVerifier,
)
from gatepass.asgi import Auth, Cookies, HttpPolicy, Identity, Receive, Scope, Send
from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.http import RequestRefused
from gatepass.http.problems import RATE_LIMITED, STORE_UNAVAILABLE
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.asgi.conftest import ACCESS, NAMES, POLICY, REFRESH
from tests.asgi.talk import http, talk

pytestmark = pytest.mark.anyio
OWN = "https://app.example"
OK: list[dict[str, Any]] = [
    {"type": "http.response.start", "status": 200, "headers": []},
    {"type": "http.response.body"},
]


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers before it has read anything, and echoes in pieces."""
    await send(dict(OK[0]))
    while scope["type"] == "http" and scope["method"] == "POST":
        message = await receive()
        await send({"type": "http.response.body", "body": message["body"], "more_body": True})
        if not message["more_body"]:
            break
    await send(dict(OK[1]))


def status(sent: list[dict[str, Any]]) -> int:
    found: int = sent[0]["status"]
    return found


async def test_bodies_pass_through_piece_by_piece(manager: AsyncTokenManager) -> None:
    app = Auth(manager).install(fine)
    pieces = [
        {"type": "http.request", "body": b"a" * 70_000, "more_body": True},
        {"type": "http.request", "body": b"b", "more_body": False},
    ]
    sent = await talk(app, http("POST", "/upload"), pieces)

    assert [len(message.get("body", b"")) for message in sent[1:]] == [70_000, 1, 0]


async def test_other_kinds_of_scope_are_the_applications(manager: AsyncTokenManager) -> None:
    auth = Auth(manager)
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(scope["type"])

    await talk(auth.install(auth.required()(app)), {"type": "lifespan"})

    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("error", "wanted"), [(StoreUnavailable(), 503), (RequestRefused(RATE_LIMITED), 429)]
)
async def test_refusals_that_get_out_of_an_application_are_answered(
    manager: AsyncTokenManager, error: Exception, wanted: int
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["path"] == "/late":
            await send(dict(OK[0]))
        raise error

    installed = Auth(manager).install(app)

    assert status(await talk(installed, http())) == wanted
    with pytest.raises(type(error)):
        await talk(installed, http(path="/late"))


@pytest.mark.parametrize(
    ("error", "cause", "told"),
    [
        (StoreUnavailable("the store is closed"), None, "the store is closed"),
        (StoreUnavailable("no answer"), OSError("hunter2"), "no answer (OSError)"),
        (RequestRefused(STORE_UNAVAILABLE), None, "Temporarily unavailable"),
    ],
)
async def test_the_log_says_why_no_store_answered_without_a_drivers_words(
    manager: AsyncTokenManager,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    cause: Exception | None,
    told: str,
) -> None:
    async def app(*_: object) -> None:
        raise error from cause

    assert status(await talk(Auth(manager).install(app), http())) == 503
    assert caplog.messages == [f"store unavailable, answered 503: {told}"]


async def test_the_routes_are_found_below_a_mount_point_and_nothing_else_is(
    manager: AsyncTokenManager,
) -> None:
    app = Auth(manager).install(fine, prefix="/sign-in")
    mounted = http(path="/outer/sign-in/me") | {"root_path": "/outer"}

    assert status(await talk(app, mounted)) == 401
    for root_path in ("/outer/", "/"):  # as settings and proxies write it, too
        path = f"{root_path}sign-in/me"
        assert status(await talk(app, http(path=path) | {"root_path": root_path})) == 401
    doubled = http(path="/outer//sign-in/me") | {"root_path": "/outer/"}  # as uvicorn joins them
    assert status(await talk(app, doubled)) == 401
    other = http(path="/outersign-in/me") | {"root_path": "/outer"}
    assert status(await talk(app, other)) == 200
    assert status(await talk(app, http(path="/sign-in/me"))) == 401
    assert status(await talk(app, http(path="/auth/me"))) == 200
    assert status(await talk(app, http(path="/sign-in/nothing"))) == 200
    assert status(await talk(app, http(path="/sign-in/sessions/"))) == 200
    assert status(await talk(app, http(path="/sign-in/sessions/a/b"))) == 200
    assert status(await talk(app, http(path="/sign-in/login"))) == 200  # no authenticate
    assert status(await talk(app, http("DELETE", "/.well-known/jwks.json"))) == 405


async def test_a_log_in_by_other_means_answers_in_cookies_where_there_are_some(
    manager: AsyncTokenManager,
) -> None:
    plain = await talk(await Auth(manager).log_in("ada", {"role": "admin"}, device="d"), http())
    jar = await talk(
        await Auth(manager, http=HttpPolicy(cookies=Cookies(), public_origins=[OWN])).log_in("ada"),
        http(),
    )
    devices = {session.device for session in await manager.sessions("ada")}

    assert json.loads(plain[1]["body"])["token_type"] == "Bearer"
    assert devices == {"d", None}
    assert [name for name, _ in jar[0]["headers"]].count(b"set-cookie") == 3
    assert b"access_token" not in jar[1]["body"]


async def test_claims_too_large_for_a_cookie_fail_the_log_in_and_leave_no_session() -> None:
    manager = AsyncTokenManager(
        TokenPolicy(issuer="\U0001f600" * 255, audience="a" * 255),
        access_keys=ACCESS,
        refresh_keys=REFRESH,
        store=AsyncMemoryStore(),
    )
    auth = Auth(manager, http=HttpPolicy(cookies=Cookies(), public_origins=[OWN]))

    with pytest.raises(Exception, match="browsers keep 4096"):
        await auth.log_in("ada", {"text": "x" * 2000})
    assert await manager.sessions("ada") == []


async def test_a_resource_server_has_guards_and_no_routes() -> None:
    token = TokenIssuer(ACCESS, lifetime=60, **NAMES).issue("ada", {"scope": "read"})
    bearer = {"authorization": f"Bearer {token}"}
    for verifier in (TokenVerifier(ACCESS, **NAMES), AsyncTokenVerifier(ACCESS, **NAMES)):
        auth = Auth(verifier)
        app = auth.install(auth.required(scopes=["read"])(fine))

        assert status(await talk(app, http(**bearer))) == 200
        assert status(await talk(app, http())) == 401
        assert status(await talk(app, http("POST", "/auth/refresh"))) == 401
        with pytest.raises(TypeError, match="a verifier has no sessions"):
            await auth.log_in("ada")


async def test_cookies_of_a_resource_server_need_the_auth_servers_csrf_keys() -> None:
    verifier = TokenVerifier(ACCESS, **NAMES)
    with pytest.raises(SettingsRejected, match="csrf_keys"):
        Auth(verifier, http=HttpPolicy(cookies=Cookies(), public_origins=[OWN]))
    keys = Cookies(csrf_keys=[b"k" * 32], insecure_for_development_over_http=True)
    auth = Auth(verifier, http=HttpPolicy(cookies=keys, public_origins=[OWN]))
    token = TokenIssuer(ACCESS, lifetime=60, **NAMES).issue("ada")
    app = auth.required()(fine)
    cookie = {"cookie": f"gatepass-access={token}", "sec_fetch_site": "same-origin"}

    assert status(await talk(app, http(**cookie))) == 200
    assert status(await talk(app, http("POST", **cookie))) == 403  # no session, no CSRF token


def test_what_would_block_the_loop_or_has_no_tokens_is_refused() -> None:
    sync: Any = TokenManager(POLICY, access_keys=ACCESS, refresh_keys=REFRESH, store=MemoryStore())
    blocking = TokenVerifier(ACCESS, revocations=MemoryStore(), **NAMES)

    with pytest.raises(TypeError, match="must be AsyncTokenManager, not TokenManager"):
        Auth(sync)
    with pytest.raises(TypeError, match="AsyncTokenVerifier"):
        Auth(blocking)
    with pytest.raises(TypeError, match="change_password need a manager"):
        Auth(TokenVerifier(ACCESS, **NAMES), authenticate=lambda *_: Identity("x"))


async def test_routes_that_are_installed_again_inside_answer_their_refusals_there(
    manager: AsyncTokenManager,
) -> None:
    auth = Auth(manager)
    inner = auth.install(fine)
    outer = auth.install(Starlette(routes=[Mount("/api", inner)]), prefix="/other")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(outer), base_url="https://id.example"
    ) as client:
        answer = await client.get("/api/auth/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
