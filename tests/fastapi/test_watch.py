"""A guard with `watch=True` ends a connection when its session ends, wherever FastAPI asks it."""

import asyncio
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request, Security, WebSocket

from gatepass import AsyncTokenManager, AsyncTokenVerifier, TokenPolicy
from gatepass.errors import GatepassError, GuardMisused, SettingsRejected
from gatepass.fastapi import Auth
from gatepass.http import RequestRefused
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore
from gatepass.tokens import TrustedIssuer
from tests.asgi.connection import CLOSED, LAST, Client
from tests.asgi.talk import http, socket
from tests.fastapi.watched import ATTACHED, live, of_route, stream

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


async def test_a_background_task_runs_to_its_end(auth: Auth, manager: AsyncTokenManager) -> None:
    app, notes = FastAPI(), list[str]()

    @app.get("/live", dependencies=[Depends(auth.required(watch=True))])
    async def live(request: Request, tasks: BackgroundTasks) -> None:
        async def note_end() -> None:
            notes.append(await auth.watch_of(request.scope).ended())

        tasks.add_task(note_end)

    auth.install(app)
    client, pair = await opened(app, manager, "http")
    await manager.revoke_session(pair.session_id)
    await client.over()

    assert notes == ["token_revoked"]


@pytest.mark.parametrize("kind", ["websocket", "http"])
async def test_a_mounted_application_ends_its_connections_too(
    kind: str, auth: Auth, manager: AsyncTokenManager
) -> None:
    outer = FastAPI()
    outer.mount("/", of_route(Depends(auth.required(watch=True))))
    auth.install(outer)
    client, pair = await opened(outer, manager, kind)
    await manager.revoke_session(pair.session_id)

    assert (await client.over())[-1] == (CLOSED if kind == "websocket" else LAST)


async def test_a_connection_without_a_watch_stays_open(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    app = of_route(Depends(auth.required()))
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
    app = of_route(Depends(auth.required(watch=True)))
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
    app = of_route(Depends(auth.required(watch=True)))
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


def test_a_verifier_of_several_issuers_watches_too() -> None:
    issuers = [
        TrustedIssuer(issuer=name, keys=SharedKey.generate(), audience="api") for name in "ab"
    ]
    verifier = AsyncTokenVerifier.for_issuers(*issuers, revocations=AsyncMemoryStore())

    assert callable(Auth(verifier).required(watch=True))
