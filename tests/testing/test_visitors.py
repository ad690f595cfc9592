"""Clients that an application logged in by cookies, in every framework."""

import asyncio
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from flask import Flask

import gatepass.asgi
import gatepass.fastapi
import gatepass.flask
from gatepass import AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.http import Cookies, HttpPolicy
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore
from gatepass.testing import Clock, Mint
from gatepass.testing.visitor import let_in

ROLE = {"role": "admin"}


@pytest.fixture(params=[False, True], ids=["https", "development"])
def http(request: pytest.FixtureRequest) -> HttpPolicy:
    cookies = Cookies(insecure_for_development_over_http=request.param)
    return HttpPolicy(cookies=cookies, public_origins=["https://app.example"])


@pytest.fixture
def manager(gatepass_policy: TokenPolicy, gatepass_clock: Clock) -> TokenManager:
    return TokenManager(
        gatepass_policy,
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=MemoryStore(clock=gatepass_clock),
        now=gatepass_clock,
    )


def test_a_visitor_of_flask_asks_changes_and_refreshes(
    manager: TokenManager, gatepass_clock: Clock, http: HttpPolicy
) -> None:
    auth = gatepass.flask.Auth(manager, http=http, now=gatepass_clock)
    app = Flask(__name__)
    auth.init_app(app)
    guard: Any = auth.required(roles=["admin"])
    app.add_url_rule("/me", view_func=guard(lambda: auth.claims.subject), methods=["GET", "POST"])
    client = Mint(manager).flask_client(app, "ada", ROLE, cookies_of=auth)

    assert (client.get("/me").text, client.post("/me").text) == ("ada", "ada")
    gatepass_clock.advance(15 * 60)
    assert client.get("/me").json == {"error": "Token expired", "code": "token_expired"}
    assert client.post("/auth/refresh").status_code == 200
    assert client.post("/me").text == "ada"
    assert "Authorization" not in client.get("/me").request.headers


@pytest.mark.filterwarnings("ignore:Using `httpx` with")
def test_a_visitor_of_fastapi_asks_changes_and_refreshes(
    gatepass_async_manager: AsyncTokenManager, gatepass_clock: Clock, http: HttpPolicy
) -> None:
    auth = gatepass.fastapi.Auth(gatepass_async_manager, http=http, now=gatepass_clock)
    app = FastAPI()
    auth.install(app)

    @app.api_route("/me", methods=["GET", "POST"])
    async def me(claims: Annotated[Any, Depends(auth.required(roles=["admin"]))]) -> str:
        return str(claims.subject)

    client = Mint(gatepass_async_manager).fastapi_client(app, "ada", ROLE, cookies_of=auth)

    assert (client.get("/me").json(), client.post("/me").json()) == ("ada", "ada")
    gatepass_clock.advance(15 * 60)
    assert client.get("/me").json()["code"] == "token_expired"
    assert client.post("/auth/refresh").status_code == 200
    assert client.post("/me").json() == "ada"


def test_a_visitor_of_asgi_asks_and_changes(
    gatepass_async_manager: AsyncTokenManager, http: HttpPolicy
) -> None:
    async def app(scope: Any, _: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["gatepass"].subject.encode()})

    auth = gatepass.asgi.Auth(gatepass_async_manager, http=http)
    guarded = auth.install(auth.required()(app))

    async def ask() -> list[str]:
        mint = Mint(gatepass_async_manager)
        async with mint.asgi_client(guarded, "ada", cookies_of=auth) as client:
            return [(await client.request(method, "/")).text for method in ("GET", "POST")]

    assert asyncio.run(ask()) == ["ada", "ada"]


def test_an_application_without_cookies_has_no_visitors(manager: TokenManager) -> None:
    auth = gatepass.flask.Auth(manager)

    with pytest.raises(TypeError, match=r"has no cookies: give it http=HttpPolicy\(cookies="):
        let_in(auth, "ada", None)
