"""Cookies, https and verifiers in FastAPI: the document, the middleware, and sockets."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.responses import FileResponse

from gatepass import AccessClaims, TokenIssuer, TokenVerifier
from gatepass.errors import StoreUnavailable
from gatepass.fastapi import Auth, Cookies, HttpPolicy, Https
from gatepass.jose import SharedKey
from tests.asgi.talk import socket, talk
from tests.fastapi.world import World, bearer

pytestmark = pytest.mark.anyio
STRICT = HttpPolicy(cookies=Cookies(), https=Https(), public_origins=["https://app.example"])


def application(auth: Auth) -> FastAPI:
    """One guarded route and one socket."""
    app = FastAPI()
    auth.install(app)
    caller = Annotated[AccessClaims, Depends(auth.required(scopes=["read"]))]

    @app.get("/mine")
    async def mine(claims: caller) -> dict[str, str]:
        return {"subject": claims.subject}

    @app.websocket("/live")
    async def live(websocket: WebSocket, claims: caller) -> None:
        await websocket.accept()
        raise StoreUnavailable from OSError(claims.subject)

    return app


def ask(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gate.test")


async def test_the_document_of_a_service_with_cookies_names_the_csrf_check(world: World) -> None:
    app = application(Auth(world.manager, http=STRICT))
    paths = app.openapi()["paths"]
    refusal = paths["/mine"]["get"]["responses"]["403"]["content"]["application/json"]

    assert "csrf_failed" in refusal["schema"]["properties"]["code"]["enum"]
    assert "/auth/login" not in paths
    assert "/auth/refresh" in paths


async def test_https_is_required_of_every_route(world: World) -> None:
    pair = await world.log_in()
    async with ask(application(Auth(world.manager, http=STRICT))) as client:
        refused = await client.get("/mine", headers=bearer(pair["access_token"]))
        secure = await client.get("https://gate.test/mine", headers=bearer(pair["access_token"]))

    assert refused.json() == {"error": "HTTPS required", "code": "https_required"}
    assert secure.json()["code"] == "insufficient_scope"
    assert secure.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("outside", ["nothing", "the same", "another"])
async def test_an_application_that_only_answers_refusals_keeps_the_policy(
    world: World, outside: str
) -> None:
    auth, inner, app = Auth(world.manager, http=STRICT), FastAPI(), FastAPI()
    auth.answer_refusals(inner)
    inner.get("/x", dependencies=[Depends(auth.required())])(lambda: FileResponse(__file__))
    if outside != "nothing":
        (auth if outside == "the same" else Auth(world.manager)).install(app)
    app.mount("/below", inner)
    headers = bearer((await world.manager.issue("ada")).access_token)
    async with ask(app) as client:
        refused = await client.get("/below/x", headers=headers)
        secure = await client.get("https://gate.test/below/x", headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (403, "https_required")
    assert secure.status_code == 200
    assert [line for line in secure.headers.get_list("vary") if "Authorization" in line] == [
        "Authorization, Cookie"
    ]
    assert secure.headers.get_list("strict-transport-security") == ["max-age=31536000"]


async def test_a_service_that_only_verifies_is_documented_as_such() -> None:
    key = SharedKey.generate()
    names: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}
    auth = Auth(TokenVerifier(key, issuer="api-server", audience="api-client"))
    app = application(auth)
    token = TokenIssuer(key, lifetime=60, **names).issue("ada", {"scope": "read"})
    async with ask(app) as client:
        mine = await client.get("/mine", headers=bearer(token))
    document = app.openapi()

    assert mine.json() == {"subject": "ada"}
    assert list(document["paths"]) == ["/mine"]
    assert document["paths"]["/mine"]["get"]["security"] == [{"gatepass": ["read"]}]
    assert document["components"]["securitySchemes"] == {
        "gatepass": {"type": "http", "scheme": "bearer"}
    }


async def test_a_document_without_guarded_routes_has_no_scheme() -> None:
    app = FastAPI()
    auth = Auth(TokenVerifier(SharedKey.generate(), issuer="a", audience="b"))
    auth.install(app)

    assert "components" not in app.openapi()


CONNECT: list[dict[str, Any]] = [{"type": "websocket.connect"}]


async def test_a_socket_whose_store_fails_after_it_was_accepted_is_closed(world: World) -> None:
    pair = await world.log_in()
    app = application(Auth(world.manager, now=world.clock))
    handshake = socket(denial=True, authorization=f"Bearer {pair['access_token']}")
    narrow = await talk(app, handshake, CONNECT)
    claims = {"scope": "read"}
    token = (await world.manager.issue("user-ada", claims)).access_token
    handshake = socket(denial=True, authorization=f"Bearer {token}")
    sent = await talk(app, handshake, CONNECT)

    assert narrow[0]["status"] == 403
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == 1008


async def test_me_answers_with_the_claims_of_the_token(world: World) -> None:
    token = (await world.log_in())["access_token"]
    response = await world.get("/auth/me", token)

    assert response.json() == dict(await world.manager.verify(token))


async def test_a_token_is_checked_once_per_request_however_often_it_is_asked_for(
    world: World,
) -> None:
    token = (await world.log_in())["access_token"]
    before = world.store.checks
    await world.get("/reports", token)

    assert world.store.checks == before + 1
