"""Attacks on the gate for proxies: a request that may not pass is never answered with a 2xx."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gatepass import AsyncTokenManager, LegacyTokens, TokenPolicy, TokenVerifier
from gatepass.asgi import Auth, Cookies, HttpPolicy, InternalToken, ProxyGate
from gatepass.errors import SettingsRejected, TokenInvalid
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore

PAGE = "https://app.example.com"
PROXY, CLIENT = "10.0.0.7", "198.51.100.7"
ACCESS, REFRESH, LEGACY, INTERNAL = (SharedKey.generate() for _ in range(4))
POLICY = TokenPolicy(issuer="api-server", audience="api-client")
HTTP = HttpPolicy(
    cookies=Cookies(),
    public_origins=[PAGE],
    allowed_origins=["https://spa.example"],
    trusted_proxies=[PROXY],
)
TOKEN = InternalToken(keys=INTERNAL, audience="internal")
Ask = Callable[..., Awaitable[tuple[int, dict[str, str]]]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def manager() -> AsyncTokenManager:
    return AsyncTokenManager(
        POLICY,
        access_keys=ACCESS,
        refresh_keys=REFRESH,
        store=AsyncMemoryStore(),
        legacy=LegacyTokens(LEGACY, kind="authx", until=datetime(9999, 1, 1, tzinfo=UTC)),
    )


@pytest.fixture
def ask(manager: AsyncTokenManager) -> Ask:
    """Sends a request to the gate of nginx, and tells status and headers of the answer."""
    gate = ProxyGate(dialect="nginx", headers={"X-Auth-Role": "role"}, token=TOKEN)
    app = Auth(manager, http=HTTP, proxy_gate=gate).install(_nothing)

    async def ask(
        *headers: tuple[str, str],
        method: str = "GET",
        query: str = "",
        peer: str = PROXY,
        path: str = "/auth/verify",
    ) -> tuple[int, dict[str, str]]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "scheme": "https",
            "client": (peer, 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        }
        await app(scope, receive, send)
        found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], found

    return ask


async def _nothing(_: Any, __: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def bearer(manager: AsyncTokenManager, **claims: Any) -> tuple[str, str]:
    return "Authorization", f"Bearer {(await manager.issue('ada', claims)).access_token}"


async def cookie(manager: AsyncTokenManager) -> tuple[str, str]:
    return "Cookie", f"__Host-gatepass-access={(await manager.issue('ada')).access_token}"


@pytest.mark.anyio
@pytest.mark.parametrize("origin", [PAGE, "https://spa.example", "https://evil.example"])
async def test_preflight_is_no_success(origin: str, ask: Ask) -> None:
    """A proxy that forwards the method would take the answer to a preflight for a yes."""
    preflight = (("Origin", origin), ("Access-Control-Request-Method", "GET"))
    for method in ("OPTIONS", "GET"):
        for original in ((), (("X-Original-Method", "OPTIONS"),)):
            status, _ = await ask(*preflight, *original, method=method)
            assert status in {401, 405}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", ""]
)
async def test_method_of_the_question_itself_is_no_way_in(
    method: str, ask: Ask, manager: AsyncTokenManager
) -> None:
    status, _ = await ask(await bearer(manager), method=method)

    assert status >= 400


@pytest.mark.anyio
async def test_method_that_a_client_names(ask: Ask, manager: AsyncTokenManager) -> None:
    """A cookie with a method of the client's own: unsafe, whatever it says."""
    named = await cookie(manager)
    safe = ("X-Original-Method", "GET")

    assert (await ask(named, safe))[0] == 200
    assert (await ask(named, safe, peer=CLIENT))[0] == 403
    assert (await ask(named, safe, safe))[0] == 403
    assert (await ask(named, ("X-Forwarded-Method", "GET")))[0] == 403
    assert (await ask(named, ("X_Original_Method", "GET")))[0] == 403
    assert (await ask(named, ("X-HTTP-Method-Override", "GET")))[0] == 403


@pytest.mark.anyio
async def test_websocket_of_another_page_whose_upgrade_the_proxy_dropped(
    ask: Ask, manager: AsyncTokenManager
) -> None:
    named, safe = await cookie(manager), ("X-Original-Method", "GET")
    for mark in ("Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"):
        for origin in ("https://evil.example", "null", "https://spa.example"):
            assert (await ask(named, safe, (mark, "x"), ("Origin", origin)))[0] == 403
        assert (await ask(named, safe, (mark, "x"), ("Origin", PAGE)))[0] == 200


@pytest.mark.anyio
async def test_requirement_that_a_client_names(ask: Ask, manager: AsyncTokenManager) -> None:
    token = await bearer(manager, role="user", scope="a")
    for query in ("scope=a", "role=user", "scope=a&role=user"):
        told = ("X-Original-URI", f"/app?{query}")
        assert (await ask(token, told, query=query))[0] == 400
        assert (await ask(token, query=query))[0] == 400
        assert (await ask(token, ("X-Original-URI", "/app"), query=query, peer=CLIENT))[0] == 400
        assert (await ask(token, ("X-Original-URI", "/app"), query=query))[0] == 200


@pytest.mark.anyio
async def test_an_api_key_passes_only_where_the_configuration_names_its_kind(
    ask: Ask, manager: AsyncTokenManager
) -> None:
    issued = await manager.issue_key("ada", name="ci", scopes=("a",), expires="1d")
    key = ("Authorization", f"Bearer {issued.key}")
    token, uri = await bearer(manager, scope="a"), ("X-Original-URI", "/app")

    async def statuses(query: str) -> list[int]:
        return [(await ask(sent, uri, query=query))[0] for sent in (token, key)]

    for query in ("", "scope=a", "scope=a&kind=session", "kind=session"):
        assert await statuses(query) == [200, 403]
    assert await statuses("scope=a&kind=session+key") == [200, 200]
    assert await statuses("scope=a&kind=key") == [403, 200]
    assert await statuses("scope=b&kind=session+key") == [403, 403]
    assert await statuses("kind=session+key") == [400, 400]
    _, told = await ask(key, uri, query="scope=a&kind=key")
    assert told["x-auth-kind"] == "key"
    assert (await ask(token))[1]["x-auth-kind"] == "session"
    assert (await ask(key, uri, ("X_Auth_Kind", "session"), query="scope=a&kind=key"))[0] == 400


@pytest.mark.anyio
async def test_claims_that_would_end_a_header(ask: Ask, manager: AsyncTokenManager) -> None:
    token = await bearer(manager, role="admin\r\nX-Auth-Subject: root\0")
    _, told = await ask(token)

    assert told["x-auth-role"] == "admin%0D%0AX-Auth-Subject%3A%20root%00"
    assert told["x-auth-subject"] == "ada"


@pytest.mark.anyio
async def test_internal_token_is_for_proxies_and_is_no_access_token(
    ask: Ask, manager: AsyncTokenManager
) -> None:
    token = await bearer(manager, role="admin")
    _, of_the_client = await ask(token, peer=CLIENT)
    _, told = await ask(token)
    internal = told["x-auth-token"]
    takes = TokenVerifier(INTERNAL, issuer="api-server", audience="internal", typ="proxy+jwt")
    claims = takes.verify(internal)

    assert of_the_client["x-auth-token"] == ""
    assert (claims.subject, claims["role"]) == ("ada", "admin")
    assert claims.expires_at - (claims.issued_at or 0) == 60
    assert (await ask(("Authorization", f"Bearer {internal}")))[0] == 403
    for keys, audience, typ in (
        (INTERNAL, "internal", "at+jwt"),
        (INTERNAL, "api-client", "proxy+jwt"),
        (ACCESS, "internal", "proxy+jwt"),
    ):
        with pytest.raises(TokenInvalid):
            TokenVerifier(keys, issuer="api-server", audience=audience, typ=typ).verify(internal)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (InternalToken(keys=ACCESS, audience="internal"), "keys of its own"),
        (InternalToken(keys=REFRESH, audience="internal"), "keys of its own"),
        (InternalToken(keys=LEGACY, audience="internal"), "keys of its own"),
        (InternalToken(keys=INTERNAL, audience="api-client"), "audience of its own"),
        (InternalToken(keys=INTERNAL, audience="internal", lifetime=0), "lifetime"),
    ],
)
def test_internal_token_that_could_be_an_access_token(
    token: InternalToken, reason: str, manager: AsyncTokenManager
) -> None:
    with pytest.raises(SettingsRejected, match=reason):
        Auth(manager, http=HTTP, proxy_gate=ProxyGate(dialect="nginx", token=token))


def test_gate_that_could_not_know_its_proxies(manager: AsyncTokenManager) -> None:
    gate = ProxyGate(dialect="caddy")
    wrong: Any = object()

    with pytest.raises(SettingsRejected, match="trusted_proxies"):
        Auth(manager, proxy_gate=gate)
    with pytest.raises(TypeError, match="ProxyGate"):
        Auth(manager, proxy_gate=wrong)
    with pytest.raises(TypeError, match="proxy_gate"):
        Auth(TokenVerifier(ACCESS, issuer="a", audience="b"), http=HTTP, proxy_gate=gate)
    with pytest.raises(SettingsRejected, match="dialect"):
        ProxyGate(dialect=wrong)
    with pytest.raises(SettingsRejected, match="token"):
        ProxyGate(dialect="nginx", token=wrong)
    with pytest.raises(SettingsRejected, match="X-Auth-Kind"):
        ProxyGate(dialect="nginx", headers={"X-Auth-KIND": "sort"})
    with pytest.raises(SettingsRejected, match="X-Auth-Token"):
        ProxyGate(dialect="nginx", headers={"X-Auth-Token": "jti"}, token=TOKEN)


@pytest.mark.anyio
async def test_gate_is_not_there_by_default(manager: AsyncTokenManager) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    name, value = await bearer(manager)
    headers = [(name.lower().encode(), value.encode())]
    scope = {"type": "http", "method": "GET", "path": "/auth/verify", "headers": headers}
    await Auth(manager).install(_nothing)(scope, lambda: None, send)  # type: ignore[arg-type, return-value]

    assert sent[0]["status"] == 404
