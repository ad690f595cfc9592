"""Every way in which an application of Starlette, or a plain one, attaches a guard."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.websockets import WebSocket

from gatepass import AsyncTokenManager
from gatepass.asgi import Auth
from gatepass.errors import GuardMisused
from tests.asgi.talk import http, socket, talk
from tests.asgi.test_attacks import secret

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bearer(manager: AsyncTokenManager) -> dict[str, str]:
    token = (await manager.issue("ada", {"scope": "read"})).access_token
    return {"authorization": f"Bearer {token}"}


def plain(request: Request) -> Response:
    return PlainTextResponse(f"secret of {request.scope['gatepass'].subject}")


async def awaited(request: Request) -> Response:
    return plain(request)


def returning_a_coroutine(request: Request) -> Awaitable[Response]:
    return awaited(request)


async def returning_an_application(request: Request) -> Any:
    return partial(plain(request))


class Endpoint(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return plain(request)


class Controller:
    def view(self, request: Request) -> Response:
        return plain(request)

    async def later(self, request: Request) -> Response:
        return plain(request)


def guarded_method(guard: Any) -> Any:
    class Page(HTTPEndpoint):
        get = guard(Endpoint.get)

    return Page


ALL = [Route("/x", plain)]
APPLICATIONS: dict[str, Callable[[Any], Any]] = {
    "application": lambda guard: guard(Starlette(routes=ALL)),
    "middleware": lambda guard: Starlette(routes=ALL, middleware=[Middleware(guard)]),
    "router": lambda guard: Router(ALL, middleware=[Middleware(guard)]),
    "route middleware": lambda guard: Router([Route("/x", plain, middleware=[Middleware(guard)])]),
    "mount": lambda guard: Router([Mount("/", app=guard(Router(ALL)))]),
    "mount middleware": lambda guard: Router(
        [Mount("/", routes=ALL, middleware=[Middleware(guard)])]
    ),
    "plain function": lambda guard: Router([Route("/x", guard(plain))]),
    "async function": lambda guard: Router([Route("/x", guard(awaited))]),
    "coroutine": lambda guard: Router([Route("/x", guard(returning_a_coroutine))]),
    "application returned": lambda guard: Router([Route("/x", guard(returning_an_application))]),
    "method": lambda guard: Router([Route("/x", guard(Controller().view))]),
    "async method": lambda guard: Router([Route("/x", guard(Controller().later))]),
    "partial": lambda guard: Router([Route("/x", guard(partial(Controller.view, Controller())))]),
    "endpoint class": lambda guard: Router([Route("/x", guard(Endpoint))]),
    "endpoint method": lambda guard: Router([Route("/x", guarded_method(guard))]),
    "asgi callable": lambda guard: Router([Route("/x", guard(secret))]),
    "twice": lambda guard: guard(Router([Route("/x", guard(plain))])),
}


async def test_a_guarded_route_needs_a_token_works_with_one_and_calls_no_view_for_a_preflight(
    auth: Auth, bearer: dict[str, str], subtests: pytest.Subtests
) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "GET"}
    for way, build in APPLICATIONS.items():
        app = build(auth.required(scopes=["read"]))
        for served in (app, auth.install(app)):
            with subtests.test(way):
                transport = httpx.ASGITransport(served)
                async with httpx.AsyncClient(
                    transport=transport, base_url="http://gate.test"
                ) as client:
                    rejected = await client.get("/x")
                    answered = await client.get("/x", headers=bearer)
                    preflight = await client.options("/x", headers=asked | bearer)

                assert (rejected.status_code, rejected.json()["code"]) == (401, "token_missing")
                assert rejected.headers["www-authenticate"] == "Bearer"
                assert answered.status_code == 200
                assert answered.text.startswith("secret")
                assert answered.headers["vary"].split(", ")[0] == "Authorization"
                # A `Route` for a function takes GET alone, and rejects the method itself.
                assert preflight.status_code in {204, 405}
                assert "secret" not in preflight.text


def test_a_guarded_function_keeps_its_name_and_the_methods_of_its_route(auth: Auth) -> None:
    function, endpoint = (Route("/x", auth.required()(each)) for each in (plain, Endpoint))

    assert (function.name, function.methods) == ("plain", {"GET", "HEAD"})
    assert endpoint.name == "Endpoint"


async def test_a_socket_is_rejected_before_it_is_accepted(
    auth: Auth, bearer: dict[str, str]
) -> None:
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(websocket.scope["gatepass"].subject)
        await websocket.close()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await live(WebSocket(scope, receive, send))

    for endpoint in (auth.required()(live), auth.required()(application)):
        app = Router([WebSocketRoute("/live", endpoint)])
        for denial in (True, False):
            scope = socket(denial=denial)
            rejected = (await talk(app, scope, [{"type": "websocket.connect"}]))[0]
            scope = socket(denial=denial, **bearer)
            accepted = await talk(app, scope, [{"type": "websocket.connect"}])

            assert rejected.get("status", rejected.get("code")) == (401 if denial else 1008)
            assert accepted[1] == {"type": "websocket.send", "text": "ada"}


class CatchAll(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        try:
            answer: Response = await call_next(request)
        except Exception:  # noqa: BLE001 - as the applications of others have it
            return JSONResponse({}, 500)
        return answer


@pytest.mark.parametrize("way", ["plain function", "endpoint class", "mount"])
async def test_a_refusal_survives_the_error_handling_of_others(auth: Auth, way: str) -> None:
    async def failed(request: Request, error: Exception) -> Response:
        del request, error
        return JSONResponse({}, 500)

    app = Starlette(
        routes=[Mount("/", app=APPLICATIONS[way](auth.required()))],
        middleware=[Middleware(CatchAll)],
        exception_handlers={Exception: failed},
    )

    assert (await talk(app, http(path="/x")))[0]["status"] == 401


@pytest.mark.parametrize("name", ["required", "optional"])
def test_a_guard_takes_no_request_and_is_no_predicate(auth: Auth, name: str) -> None:
    guard: Any = getattr(auth, name)()

    assert guard
    nothing: dict[str, Any] = {}
    for given in (Request(http()), None, "x", 1, nothing):
        with pytest.raises(GuardMisused):
            guard(given)
        with pytest.raises(GuardMisused):
            getattr(auth, name)(given)


async def test_a_guard_that_is_made_while_a_request_is_handled_is_rejected(auth: Auth) -> None:
    def threaded(request: Request) -> Response:
        auth.required()
        return plain(request)

    async def view(request: Request) -> Response:
        return threaded(request)

    for endpoint in (view, threaded):
        with pytest.raises(GuardMisused, match="made while a request is handled"):
            await talk(Starlette(routes=[Route("/x", endpoint)]), http(path="/x"))


@pytest.mark.parametrize(("scope", "environ"), [(http(), {"wsgi.input": None})])
def test_a_test_may_have_parameters_with_the_names_of_a_request(
    auth: Auth, scope: dict[str, Any], environ: dict[str, Any]
) -> None:
    guard: Any = auth.required()

    assert guard
    assert (scope["type"], *environ) == ("http", "wsgi.input")


async def test_guards_may_be_made_in_a_lifespan_and_in_a_factory(
    auth: Auth, bearer: dict[str, str]
) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.routes.append(Route("/x", auth.required()(plain)))
        yield

    app = Starlette(lifespan=lifespan)
    async with app.router.lifespan_context(app):
        assert (await talk(app, http(path="/x")))[0]["status"] == 401
        assert (await talk(app, http(path="/x", **bearer)))[0]["status"] == 200


async def test_a_guard_around_the_auth_routes_is_told(manager: AsyncTokenManager) -> None:
    auth = Auth(manager)

    with pytest.raises(GuardMisused, match=r"auth\.install\(auth\.required\(\)\(app\)\)"):
        auth.required()(auth.install(secret))


async def test_an_endpoint_that_is_called_with_something_else_is_told(auth: Auth) -> None:
    for view in (plain, partial(plain)):
        guarded: Any = auth.required()(view)

        with pytest.raises(GuardMisused, match=r"plain.* was called with no request of Starlette"):
            await guarded(http())
