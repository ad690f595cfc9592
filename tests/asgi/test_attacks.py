"""What an attacker tries around a guard: each test is named after its attack."""

import asyncio
from typing import Any, NoReturn

import pytest

from gatepass import AsyncTokenManager
from gatepass.asgi import Auth, Cookies, HttpPolicy, Https, Limits, Receive, Scope, Send
from tests.asgi.talk import http, socket, talk

pytestmark = pytest.mark.anyio
OWN = "https://app.example"
POLICY = HttpPolicy(cookies=Cookies(insecure_for_development_over_http=True), public_origins=[OWN])


async def secret(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that looks at nothing of a request but its type."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"secret"})


@pytest.mark.parametrize("scheme", [None, "ws", "wss", "http", "https"])
@pytest.mark.parametrize(
    ("origin", "opens"), [(OWN, True), ("https://evil.example", False), ("null", False)]
)
async def test_hijack_of_a_websocket_whose_scheme_the_server_leaves_out_or_a_proxy_rewrote(
    manager: AsyncTokenManager, scheme: str | None, origin: str, *, opens: bool
) -> None:
    app = Auth(manager, http=POLICY).required()(secret)
    token = (await manager.issue("ada")).access_token
    scope = socket(denial=True, cookie=f"gatepass-access={token}", origin=origin)
    sent = await talk(
        app,
        scope if scheme is None else scope | {"scheme": scheme},
        [{"type": "websocket.connect"}],
    )

    assert (sent[0]["type"] == "websocket.accept") is opens
    if not opens:
        assert sent[0]["status"] == 403


@pytest.mark.parametrize("scheme", [None, "http", "ws"])
async def test_a_websocket_in_the_clear_is_not_redirected_as_if_it_were_a_page(
    manager: AsyncTokenManager, scheme: str | None
) -> None:
    policy = HttpPolicy(https=Https(allowed_hosts=["app.example"]))
    scope = socket(denial=True, host="app.example")
    sent = await talk(
        Auth(manager, http=policy).install(secret),
        scope if scheme is None else scope | {"scheme": scheme},
        [{"type": "websocket.connect"}],
    )

    assert sent[0]["status"] == 403


@pytest.mark.parametrize("optional", [True, False])
@pytest.mark.parametrize("policy", [None, HttpPolicy(allowed_origins=["https://spa.example"])])
async def test_a_request_that_pretends_to_be_a_preflight_does_not_reach_the_application(
    manager: AsyncTokenManager, policy: HttpPolicy | None, *, optional: bool
) -> None:
    auth = Auth(manager, http=policy)
    app = (auth.optional() if optional else auth.required())(secret)
    asked = {"origin": "https://evil.example", "access_control_request_method": "GET"}
    sent = await talk(app, http("OPTIONS", **asked))

    assert sent[0]["status"] == 204
    assert b"".join(message.get("body", b"") for message in sent) == b""
    assert sent[0]["headers"] == [(b"vary", b"Origin")]


async def test_a_guard_without_the_routes_answers_the_preflights_of_allowed_origins(
    manager: AsyncTokenManager,
) -> None:
    policy = HttpPolicy(allowed_origins=["https://spa.example"])
    asked = {"origin": "https://spa.example", "access_control_request_method": "GET"}
    sent = await talk(Auth(manager, http=policy).required()(secret), http("OPTIONS", **asked))

    assert dict(sent[0]["headers"])[b"access-control-allow-origin"] == b"https://spa.example"


async def test_a_kind_of_scope_that_no_guard_knows_does_not_slip_past_it(
    manager: AsyncTokenManager,
) -> None:
    sent: list[dict[str, Any]] = []
    with pytest.raises(ValueError, match="a guard knows"):
        sent += await talk(Auth(manager).required()(secret), http() | {"type": "webtransport"})

    assert sent == []


async def test_a_header_in_capitals_opens_nothing(manager: AsyncTokenManager) -> None:
    token = (await manager.issue("ada")).access_token
    scope = http("POST", cookie=f"gatepass-access={token}")
    scope["headers"] += [(b"ORIGIN", OWN.encode()), (b"Sec-Fetch-Site", b"same-origin")]
    sent = await talk(Auth(manager, http=POLICY).required()(secret), scope)

    assert sent[0]["status"] == 403


async def test_hanging_up_in_the_middle_of_a_log_in_buys_no_other_guess(
    manager: AsyncTokenManager,
) -> None:
    began, tried = asyncio.Event(), []

    async def think_for_ever(*given: str) -> NoReturn:
        tried.append(given)
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    limits = Limits(login=None, account="1/hour")
    app = Auth(manager, authenticate=think_for_ever, limits=limits).install(secret)
    body = {"type": "http.request", "body": b'{"username":"ada","password":"guess"}'}
    scope = http("POST", "/auth/login", content_type="application/json")
    guess = asyncio.create_task(talk(app, scope, [body]))
    await began.wait()
    guess.cancel()
    with pytest.raises(asyncio.CancelledError):
        await guess
    sent = await talk(app, scope, [body])

    assert sent[0]["status"] == 429
    assert len(tried) == 1
