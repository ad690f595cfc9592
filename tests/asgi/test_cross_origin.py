"""A front end on another port, with FastAPI and ASGI: beside CORS middleware, mounted, and told."""

import logging
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from gatepass import AccessClaims, AsyncTokenManager
from gatepass.asgi import Auth, Cookies, HttpPolicy, Identity
from gatepass.fastapi import Auth as FastApiAuth
from tests.asgi.test_attacks import secret

pytestmark = pytest.mark.anyio
PAGE, OTHER = "http://localhost:3000", "http://localhost:5173"
COOKIES = Cookies(insecure_for_development_over_http=True)
FORM = {"username": "ada", "password": "correct", "cookies": True}
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
OWN_RULES: dict[str, Any] = {
    "allow_origins": [PAGE],
    "allow_credentials": True,
    "allow_methods": ["*"],
    "allow_headers": ["Content-Type", "X-CSRF-Token"],
}


def policy(*allowed: str) -> HttpPolicy:
    return HttpPolicy(cookies=COOKIES, public_origins=[PAGE], allowed_origins=allowed)


def make_fastapi(manager: AsyncTokenManager, rules: HttpPolicy, middleware: str) -> FastAPI:
    """An application whose own CORS middleware is inside or outside of gatepass's, or absent."""
    app = FastAPI()
    if middleware == "inside":
        app.add_middleware(CORSMiddleware, **OWN_RULES)
    FastApiAuth(manager, authenticate=lambda name, _: Identity(name), http=rules).install(app)
    if middleware == "outside":
        app.add_middleware(CORSMiddleware, **OWN_RULES)

    @app.post("/orders")
    async def order() -> None:
        """Take an order of anybody."""

    if middleware == "mounted":
        root = FastAPI()
        root.mount("/api", app)
        return root
    return app


def client(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://gate.test")


@pytest.mark.parametrize("allowed", [(), (PAGE,), ("https://spa.example",)])
@pytest.mark.parametrize("middleware", ["none", "inside", "outside", "mounted"])
async def test_a_page_of_ours_logs_in_whatever_cors_rules_the_application_has(
    manager: AsyncTokenManager, middleware: str, allowed: tuple[str, ...]
) -> None:
    page, path = {"Origin": PAGE}, "/api/auth/login" if middleware == "mounted" else "/auth/login"
    async with client(make_fastapi(manager, policy(*allowed), middleware)) as browser:
        asked = await browser.options(path, headers={**page, **ASKS})
        logged_in = await browser.post(path, json=FORM, headers=page)

    assert asked.is_success
    assert "Content-Type" in asked.headers["Access-Control-Allow-Headers"]
    assert logged_in.status_code == 200
    for response in (asked, logged_in):
        assert response.headers.get_list("Access-Control-Allow-Origin") == [PAGE]
        assert response.headers.get_list("Access-Control-Allow-Credentials") == ["true"]


@pytest.mark.parametrize("place", ["of the application", "in a dependency of the application"])
async def test_a_page_of_ours_logs_in_where_the_whole_application_has_an_optional_guard(
    manager: AsyncTokenManager, place: str
) -> None:
    auth = FastApiAuth(manager, authenticate=lambda name, _: Identity(name), http=policy())
    guard = auth.optional()

    async def language(_: Annotated[AccessClaims | None, Depends(guard)]) -> str:
        return "en"

    asked_first = guard if place == "of the application" else language
    app = FastAPI(dependencies=[Depends(asked_first)])
    auth.install(app)
    stale = {"Origin": PAGE, "Authorization": "Bearer a.b.c"}
    async with client(app) as browser:
        asked = await browser.options("/auth/login", headers={"Origin": PAGE, **ASKS})
        foreign = await browser.options("/auth/login", headers={"Origin": OTHER, **ASKS})
        logged_in = await browser.post("/auth/login", json=FORM, headers=stale)

    assert (asked.status_code, logged_in.status_code) == (204, 200)
    for response in (asked, logged_in):
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Access-Control-Allow-Origin" not in foreign.headers


async def test_the_same_without_a_framework(manager: AsyncTokenManager) -> None:
    auth = Auth(manager, authenticate=lambda name, _: Identity(name), http=policy())
    async with client(auth.install(secret)) as browser:
        asked = await browser.options("/auth/login", headers={"Origin": PAGE, **ASKS})
        logged_in = await browser.post("/auth/login", json=FORM, headers={"Origin": PAGE})
        keys = await browser.get("/.well-known/jwks.json", headers={"Origin": PAGE})

    assert (asked.status_code, logged_in.status_code) == (204, 200)
    assert asked.headers["Access-Control-Allow-Origin"] == PAGE
    assert logged_in.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Origin" not in keys.headers  # caches keep it, for all origins


async def test_each_rejected_preflight_is_one_warning_with_its_cure(
    manager: AsyncTokenManager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gatepass")
    for middleware in ("none", "inside", "outside"):
        async with client(make_fastapi(manager, policy(), middleware)) as browser:
            for origin, path in ((OTHER, "/auth/login"), (PAGE, "/orders"), (OTHER, "/orders")):
                await browser.options(path, headers={"Origin": origin, **ASKS})
    told = [record.getMessage() for record in caplog.records]

    unknown = f"preflight rejected: the page's origin {OTHER} is not among public_origins"
    own = f"preflight rejected: public_origins lets {PAGE} read the auth routes only"
    wanted = [unknown, own, unknown, unknown, unknown]  # the middleware inside lets the page in
    assert len(told) == len(wanted), told
    assert all(map(str.startswith, told, wanted))


async def test_a_csrf_token_is_given_only_where_there_are_cookies(
    manager: AsyncTokenManager,
) -> None:
    app = make_fastapi(manager, HttpPolicy(public_origins=[PAGE]), "none")
    async with client(app) as browser:
        answer = await browser.get("/auth/csrf", headers={"Origin": PAGE})

    assert answer.status_code == 404
    assert "/auth/csrf" not in app.openapi()["paths"]
