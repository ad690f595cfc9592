"""A guard with `watch=True` ends a connection when its session ends, wherever FastAPI asks it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Security, WebSocket
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

from gatepass import AccessClaims, AsyncTokenManager, TokenPolicy
from gatepass.errors import GatepassError, GuardMisused, SettingsRejected
from gatepass.fastapi import Auth
from gatepass.http import RequestRefused
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore
from tests.asgi.talk import http, socket
from tests.asgi.test_watch import CLOSED, LAST, Client

pytestmark = pytest.mark.anyio


@pytest.fixture
def scopes() -> list[str]:
    """The scopes that a refreshed token gets."""
    return ["read"]


@pytest.fixture
def manager(scopes: list[str]) -> AsyncTokenManager:
    return AsyncTokenManager(
        TokenPolicy(issuer="api-server", audience="api-client"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=AsyncMemoryStore(),
        load_claims=lambda *_: {"scope": " ".join(scopes)},
    )


@pytest.fixture
def auth(manager: AsyncTokenManager) -> Auth:
    return Auth(manager)


async def opened(app: FastAPI, manager: AsyncTokenManager, kind: str) -> tuple[Client, Any]:
    """A connection of ada, and its token pair."""
    pair = await manager.issue("ada", {"scope": "read"})
    named = {"authorization": f"Bearer {pair.access_token}"}
    scope = socket(denial=True, **named) if kind == "websocket" else http(path="/live", **named)
    client = Client(app, scope)
    await client.until("websocket.accept" if kind == "websocket" else "http.response.body")
    return client, pair


async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()


async def stream(request: Request) -> StreamingResponse:
    del request

    async def lines() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(lines(), media_type="text/event-stream")


def _of_app(dependency: Any) -> FastAPI:
    app = FastAPI(dependencies=[dependency])
    app.websocket("/live")(live)
    app.get("/live")(stream)
    return app


def _of_router(dependency: Any) -> FastAPI:
    app, router = FastAPI(), APIRouter(dependencies=[dependency])
    router.websocket("/live")(live)
    router.get("/live")(stream)
    app.include_router(router)
    return app


def _included(dependency: Any) -> FastAPI:
    app, router = FastAPI(), APIRouter()
    router.websocket("/live")(live)
    router.get("/live")(stream)
    app.include_router(router, dependencies=[dependency])
    return app


def _of_route(dependency: Any) -> FastAPI:
    app = FastAPI()
    app.websocket("/live", dependencies=[dependency])(live)
    app.get("/live", dependencies=[dependency])(stream)
    return app


def _as_parameter(dependency: Any) -> FastAPI:
    app = FastAPI()
    claims = Annotated[AccessClaims, dependency]

    @app.websocket("/live")
    async def view(websocket: WebSocket, caller: claims) -> None:  # type: ignore[valid-type]
        assert caller["sub"] == "ada"  # type: ignore[index]
        await live(websocket)

    @app.get("/live")
    async def page(request: Request, caller: claims) -> StreamingResponse:  # type: ignore[valid-type]
        assert caller["sub"] == "ada"  # type: ignore[index]
        return await stream(request)

    return app


def _below_another(dependency: Any) -> FastAPI:
    app = FastAPI()

    async def caller(claims: Annotated[AccessClaims, dependency]) -> str:
        return claims.subject

    app.websocket("/live", dependencies=[Depends(caller)])(live)
    app.get("/live", dependencies=[Depends(caller)])(stream)
    return app


def _with_middleware(dependency: Any) -> FastAPI:
    app = _of_route(dependency)
    app.add_middleware(BaseHTTPMiddleware, dispatch=_pass_on)
    return app


async def _pass_on(request: Request, call_next: Any) -> Any:
    return await call_next(request)


ATTACHED: dict[str, Callable[[Any], FastAPI]] = {
    "the application": _of_app,
    "a router": _of_router,
    "an included router": _included,
    "a route": _of_route,
    "a parameter": _as_parameter,
    "another dependency": _below_another,
    "a route behind middleware": _with_middleware,
}


@pytest.mark.parametrize("kind", ["websocket", "http"])
@pytest.mark.parametrize("ask", [Depends, Security])
@pytest.mark.parametrize("where", ATTACHED)
async def test_a_connection_ends_with_its_session_wherever_the_guard_is_attached(
    where: str, ask: Any, kind: str, auth: Auth, manager: AsyncTokenManager
) -> None:
    app = ATTACHED[where](ask(auth.required(watch=True)))
    auth.install(app)
    client, pair = await opened(app, manager, kind)
    other, _ = await opened(app, manager, kind)
    await manager.revoke_session(pair.session_id)

    assert (await client.over())[-1] == (CLOSED if kind == "websocket" else LAST)
    assert not other.task.done()
    other.task.cancel()


@pytest.mark.parametrize("kind", ["websocket", "http"])
async def test_a_mounted_application_ends_its_connections_too(
    kind: str, auth: Auth, manager: AsyncTokenManager
) -> None:
    outer = FastAPI()
    outer.mount("/", _of_route(Depends(auth.required(watch=True))))
    auth.install(outer)
    client, pair = await opened(outer, manager, kind)
    await manager.revoke_session(pair.session_id)

    assert (await client.over())[-1] == (CLOSED if kind == "websocket" else LAST)


async def test_a_connection_without_a_watch_stays_open(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    app = _of_route(Depends(auth.required()))
    app.websocket("/watched", dependencies=[Depends(auth.required(watch=True))])(live)
    auth.install(app)
    client, pair = await opened(app, manager, "websocket")
    scope = socket(denial=True, authorization=f"Bearer {pair.access_token}") | {"path": "/watched"}
    watched = Client(app, scope)
    await watched.until("websocket.accept")
    await manager.revoke_session(pair.session_id)
    await watched.over()

    assert not client.task.done()
    client.task.cancel()


@pytest.mark.parametrize("kind", ["websocket", "http"])
async def test_what_waits_for_an_answer_gets_the_tables(
    kind: str, auth: Auth, manager: AsyncTokenManager
) -> None:
    app, waiting = FastAPI(), asyncio.Event()
    guard = Depends(auth.required(watch=True))

    @app.websocket("/live", dependencies=[guard])
    async def view(websocket: WebSocket) -> None:
        del websocket
        waiting.set()
        await asyncio.Event().wait()

    @app.get("/live", dependencies=[guard])
    async def page() -> None:
        waiting.set()
        await asyncio.Event().wait()

    auth.install(app)
    pair = await manager.issue("ada")
    named = {"authorization": f"Bearer {pair.access_token}"}
    scope = socket(denial=True, **named) if kind == "websocket" else http(path="/live", **named)
    client = Client(app, scope)
    await waiting.wait()
    await manager.revoke_session(pair.session_id)
    start, body = await client.over()

    assert start["status"] == 401
    assert body["body"] == b'{"error":"Token has been revoked","code":"token_revoked"}'


async def test_a_renewed_token_meets_the_requirements_and_is_watched(
    auth: Auth, manager: AsyncTokenManager, scopes: list[str]
) -> None:
    app, renewed = FastAPI(dependencies=[Depends(auth.required(scopes=["read"]))]), asyncio.Event()
    refused: list[str] = []

    @app.websocket("/live", dependencies=[Depends(auth.required(watch=True))])
    async def view(websocket: WebSocket) -> None:
        await websocket.accept()
        watch = auth.watch_of(websocket)
        for token in tokens:
            try:
                await watch.renew(token)
            except GatepassError as error:
                refused.append(str(error))
        renewed.set()
        await websocket.receive_text()

    auth.install(app)
    tokens = [(await manager.issue("ada", {"scope": "read"})).access_token]
    pair = await manager.issue("ada", {"scope": "read"})
    for each in ("write", "read"):
        scopes[:] = [each]
        pair = await manager.refresh(pair.refresh_token)
        tokens.append(pair.access_token)
    scope = socket(denial=True, authorization=f"Bearer {pair.access_token}")
    client = Client(app, scope)
    await renewed.wait()
    await manager.revoke_token(await manager.verify(tokens[2]))

    assert (await client.over())[-1] == CLOSED
    assert refused == ["the token is invalid here: it is of another session", "Insufficient scope"]


async def test_a_handler_of_the_applications_own_leaves_no_websocket_open(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    app = _of_route(Depends(auth.required(watch=True)))
    auth.install(app)

    async def nothing(*_: Any) -> None:
        return None

    app.add_exception_handler(RequestRefused, nothing)
    client, pair = await opened(app, manager, "websocket")
    await manager.revoke_session(pair.session_id)

    assert (await client.over())[-1] == CLOSED


async def test_a_guard_that_stops_before_the_answer_keeps_the_application_from_starting(
    auth: Auth,
) -> None:
    app = FastAPI()
    guard = Depends(auth.required(watch=True), scope="function")
    app.get("/live", dependencies=[guard])(stream)
    auth.install(app)

    with pytest.raises(GuardMisused, match='without scope="function"'):
        await Client(app, http(path="/live")).over()


async def test_a_guard_in_an_application_that_nobody_installed_raises(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    app = _of_route(Depends(auth.required(watch=True)))
    pair = await manager.issue("ada")
    scope = socket(denial=True, authorization=f"Bearer {pair.access_token}")

    with pytest.raises(GuardMisused, match="install"):
        await Client(app, scope).over()


def test_a_release_that_leaves_dependencies_before_the_answer_is_rejected(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepass.fastapi.scheme.fastapi_version", "0.117.1")

    with pytest.raises(GuardMisused, match=r"needs FastAPI 0\.118"):
        auth.required(watch=True)


def test_a_store_without_a_log_is_rejected_where_the_guard_is_made() -> None:
    class Store(AsyncMemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.watches = None  # type: ignore[assignment]

    manager = AsyncTokenManager(
        TokenPolicy(issuer="api-server", audience="api-client"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=Store(),
    )

    with pytest.raises(SettingsRejected, match=r"revocations=replica_of\(store\)"):
        Auth(manager).required(watch=True)
