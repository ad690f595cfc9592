"""Applications that are mounted below a path: the refresh cookie comes back to the auth routes."""

import logging
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.asgi import Auth as AsgiAuth
from gatepass.fastapi import Auth as FastApiAuth
from gatepass.flask import Auth as FlaskAuth
from gatepass.http import Cookies, HttpPolicy, Identity
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore

pytestmark = pytest.mark.anyio
ORIGIN = "http://localhost"
BODY = {"username": "ada", "password": "correct horse", "cookies": True}
POLICY = TokenPolicy(issuer="api-server", audience="api-client")
KEYS: dict[str, Any] = {"access_keys": SharedKey.generate(), "refresh_keys": SharedKey.generate()}
Answers = tuple[httpx.Response, ...]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def options(mount_prefix: str | None) -> dict[str, Any]:
    cookies = Cookies(insecure_for_development_over_http=True, mount_prefix=mount_prefix)
    return {
        "authenticate": lambda name, _: Identity(name),
        "http": HttpPolicy(cookies=cookies, public_origins=[ORIGIN]),
    }


def make_asgi_auth(kind: Any, mount_prefix: str | None) -> Any:
    manager = AsyncTokenManager(POLICY, store=AsyncMemoryStore(), **KEYS)
    return kind(manager, **options(mount_prefix))


def fastapi(mount_prefix: str | None = None) -> FastAPI:
    app, auth = FastAPI(), make_asgi_auth(FastApiAuth, mount_prefix)
    auth.install(app)
    app.post("/passkey")(by_passkey(auth))
    inner = FastAPI()  # its own requests have the root path of the view, not of the routes
    inner.post("/passkey")(by_passkey(auth))
    app.mount("/inner", inner)
    return app


def by_passkey(auth: FastApiAuth) -> Callable[[], Any]:
    async def log_in() -> Response:
        return await auth.log_in("ada")

    return log_in


def asgi(mount_prefix: str | None = None) -> Any:
    auth = make_asgi_auth(AsgiAuth, mount_prefix)

    async def log_in(scope: Any, receive: Any, send: Any) -> None:
        answer = await auth.log_in("ada")
        await answer(scope, receive, send)

    return auth.install(log_in)


def flask(mount_prefix: str | None = None) -> Flask:
    app = Flask("under_test")
    auth = FlaskAuth(TokenManager(POLICY, store=MemoryStore(), **KEYS), **options(mount_prefix))
    auth.init_app(app)
    app.post("/passkey")(lambda: auth.log_in("ada"))
    return app


async def call(app: Any, root_path: str, path: str, **cookies: str) -> httpx.Response:
    """The answer of an application to a page of ours, below this root path."""
    kept = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    headers = {"Origin": ORIGIN, "X-CSRF-Token": cookies.get("gatepass-csrf", "")} | kept
    body = BODY if path.endswith("login") else None
    if isinstance(app, Flask | DispatcherMiddleware):
        wsgi = httpx.WSGITransport(app=app, script_name=root_path)
        with httpx.Client(transport=wsgi, base_url=ORIGIN) as client:
            return client.post(path, json=body, headers=headers)  # noqa: ASYNC212 - in memory
    asgi = httpx.ASGITransport(app, root_path=root_path)
    async with httpx.AsyncClient(transport=asgi, base_url=ORIGIN) as asking:
        return await asking.post(path, json=body, headers=headers)


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    assert answer.status_code == 200, answer.text
    return SimpleCookie("\r\n".join(answer.headers.get_list("set-cookie")))


def path_of(answer: httpx.Response) -> str:
    """Where browsers send the refresh cookie."""
    return str(cookies_of(answer)["gatepass-refresh"]["path"])


def mounted(make: Callable[..., Any]) -> Any:
    """The application below /api of another, by the way that its framework has for it."""
    if make is flask:
        return DispatcherMiddleware(Flask("root"), {"/api": flask()})
    if make is fastapi:
        root = FastAPI()
        root.mount("/api", fastapi())
        return root
    return Starlette(routes=[Mount("/{name}", app=make())])


@pytest.mark.parametrize("make", [fastapi, asgi, flask])
async def test_cookies_of_a_mounted_application_go_to_its_auth_routes(make: Any) -> None:
    app = mounted(make)
    logged_in = await call(app, "", "/api/auth/login")
    passkey = await call(app, "", "/api/passkey")
    kept = {name: each.value for name, each in cookies_of(logged_in).items()}
    refreshed = await call(app, "", "/api/auth/refresh", **kept)
    renewed = {name: each.value for name, each in cookies_of(refreshed).items()}
    logged_out = await call(app, "", "/api/auth/logout", **renewed)

    paths = [path_of(each) for each in (logged_in, passkey, refreshed, logged_out)]
    assert paths == ["/api/auth"] * 4


async def test_a_view_below_the_routes_sets_the_path_of_the_routes() -> None:
    root = FastAPI()
    root.mount("/api", fastapi())

    assert path_of(await call(root, "", "/api/inner/passkey")) == "/api/auth"


BAD = (
    "/" + "a" * 4_000,
    "/a b",
    "/a;Domain=evil.example",
    "/a\r\nX: y",
    "a",
    "/\xe9",
    "https://evil.example/",
)


@pytest.mark.parametrize("make", [fastapi, asgi, flask])
async def test_a_root_path_of_the_server_counts_if_it_can_be_a_cookies(make: Any) -> None:
    app = make()

    assert path_of(await call(app, "/v2/api/", "/auth/login")) == "/v2/api/auth"
    for bad in BAD:
        assert path_of(await call(app, bad, "/auth/login")) == "/auth"
    assert path_of(await call(make("/seen"), "/v2/api", "/auth/login")) == "/seen"


@pytest.mark.parametrize("make", [fastapi, asgi, flask])
async def test_a_refresh_cookie_that_does_not_come_is_explained(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gatepass")
    app = make()
    bare = await call(app, "", "/auth/refresh")
    assert not caplog.records
    lost = await call(app, "", "/auth/refresh", **{"gatepass-access": "x"})

    assert (
        bare.json()
        == lost.json()
        == {
            "error": "Refresh token required",
            "code": "refresh_missing",
        }
    )
    assert "below its Path /auth only" in caplog.text
    assert "GATEPASS_MOUNT_PREFIX" in caplog.text
