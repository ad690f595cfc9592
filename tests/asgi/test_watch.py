"""A guard with `watch=True` ends a connection when its session, token or key ends."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gatepass import AsyncTokenManager, AsyncTokenVerifier, TokenVerifier
from gatepass.asgi import AsgiApp, Auth, Receive, Scope, Send
from gatepass.errors import SettingsRejected, TokenRevoked
from tests.asgi.conftest import ACCESS, NAMES
from tests.asgi.connection import CLOSED, LAST, Open
from tests.budget import PATIENCE_S

pytestmark = pytest.mark.anyio


@pytest.fixture
def auth(manager: AsyncTokenManager) -> Auth:
    return Auth(manager)


async def receiving(_: Scope, receive: Receive, send: Send) -> None:
    """Accepts, then waits for what a client does not send."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


async def pushing(_: Scope, receive: Receive, send: Send) -> None:
    """Accepts, then sends to a client that does not read."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "more"})


async def closing(_: Scope, receive: Receive, send: Send) -> None:
    """Closes by itself, as a handler tidies up."""
    await receive()
    await send({"type": "websocket.accept"})
    try:
        await asyncio.Event().wait()
    finally:
        await send({"type": "websocket.close", "code": 1000})


async def grouped(_: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.Event().wait())
        group.create_task(receive())  # type: ignore[arg-type]


async def by_starlette(websocket: WebSocket) -> None:
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        await websocket.receive_text()


def route(guard: Any, view: Any) -> AsgiApp:
    return Starlette(routes=[WebSocketRoute("/live", guard(view))])


WEBSOCKETS: dict[str, Callable[[Any], AsgiApp]] = {
    "receiving": lambda guard: guard(receiving),
    "pushing": lambda guard: guard(pushing),
    "closing": lambda guard: guard(closing),
    "grouped": lambda guard: guard(grouped),
    "guarded twice": lambda guard: guard(guard(receiving)),
    "an endpoint": lambda guard: route(guard, by_starlette),
    "an endpoint's application": lambda guard: guard(route(lambda view: view, by_starlette)),
}


@pytest.mark.parametrize("which", WEBSOCKETS)
async def test_a_websocket_is_closed_when_its_session_ends(
    which: str, auth: Auth, manager: AsyncTokenManager, opened: Open
) -> None:
    app = WEBSOCKETS[which](auth.required(watch=True))
    client, pair = await opened(app)
    other, _ = await opened(app)
    await client.until("websocket.accept")
    await other.until("websocket.accept")
    await manager.revoke_session(pair.session_id)

    assert (await client.over())[-1] == CLOSED
    assert [message["type"] for message in client.sent].count("websocket.close") == 1
    assert not other.task.done()
    other.task.cancel()


async def test_a_websocket_without_a_watch_stays_open(
    auth: Auth, manager: AsyncTokenManager, opened: Open
) -> None:
    guard = auth.required()
    client, pair = await opened(guard(receiving))
    watched, _ = await opened(auth.required(watch=True)(receiving))
    await client.until("websocket.accept")
    await watched.until("websocket.accept")
    await manager.revoke_session(pair.session_id)
    await manager.revoke_subject("ada")
    await watched.over()

    assert not client.task.done()
    client.task.cancel()


@pytest.mark.parametrize("takes", [True, False])
async def test_a_handshake_that_waits_is_rejected_with_the_tables_answer(
    takes: bool,  # noqa: FBT001
    auth: Auth,
    manager: AsyncTokenManager,
    opened: Open,
) -> None:
    waiting = asyncio.Event()

    async def slow(_: Scope, receive: Receive, __: Send) -> None:
        if takes:
            await receive()
        waiting.set()
        await asyncio.Event().wait()

    client, pair = await opened(auth.required(watch=True)(slow))
    await waiting.wait()
    await manager.revoke_session(pair.session_id)
    start, body = await client.over()

    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert b"token_revoked" in body["body"]


async def stream(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    await asyncio.Event().wait()


async def events(request: Request) -> StreamingResponse:
    assert request.scope["gatepass"].subject == "ada"

    async def lines() -> Any:
        yield "data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(lines(), media_type="text/event-stream")


STREAMS: dict[str, Callable[[Any], AsgiApp]] = {
    "an application": lambda guard: guard(stream),
    "an endpoint": lambda guard: Starlette(routes=[Route("/", guard(events))]),
    "a mounted application": lambda guard: guard(Starlette(routes=[Route("/", events)])),
}


@pytest.mark.parametrize("which", STREAMS)
async def test_a_stream_ends_with_its_session(
    which: str, auth: Auth, manager: AsyncTokenManager, opened: Open
) -> None:
    app = auth.install(STREAMS[which](auth.required(watch=True)))
    client, pair = await opened(app, "http")
    await client.until("http.response.body")
    await manager.revoke_session(pair.session_id)

    assert (await client.over())[-1] == LAST


async def test_a_request_without_an_answer_gets_the_tables(
    auth: Auth, manager: AsyncTokenManager, opened: Open
) -> None:
    waiting = asyncio.Event()

    async def slow(*_: Any) -> None:
        waiting.set()
        await asyncio.Event().wait()

    client, pair = await opened(auth.required(watch=True)(slow), "http")
    await waiting.wait()
    await manager.revoke_session(pair.session_id)
    start, body = await client.over()

    assert (start["status"], body["body"]) == (
        401,
        b'{"error":"Token has been revoked","code":"token_revoked"}',
    )


async def test_a_session_that_ends_before_the_watch_begins_is_rejected(
    auth: Auth, manager: AsyncTokenManager, opened: Open
) -> None:
    class Late:
        """Another guard's work, in which the session ends."""

        def __init__(self, app: AsgiApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await manager.revoke_subject("ada")
            await self.app(scope, receive, send)

    client, _ = await opened(auth.required()(Late(auth.required(watch=True)(receiving))))
    start, _ = await client.over()

    assert start["status"] == 401


async def test_a_renewed_token_meets_the_requirement_of_every_guard(
    auth: Auth, manager: AsyncTokenManager, opened: Open
) -> None:
    seen: list[Any] = []
    go = asyncio.Event()

    async def renewing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        watch = auth.watch_of(scope)
        await go.wait()
        for token in tokens:
            try:
                seen.append((await watch.renew(token)).token_id)
            except Exception as error:  # noqa: BLE001
                seen.append(str(error))

    outer = auth.required(roles=["admin"])
    app = outer(auth.required(watch=True)(auth.required(scopes=["read"])(renewing)))
    client, pair = await opened(app, role="admin", scope="read")
    await client.until("websocket.accept")
    good = (await manager.refresh(pair.refresh_token)).access_token
    claims = await manager.verify(good)
    tokens = [good]
    for changed in ({"role": "user"}, {"scope": "write"}):
        token = await manager.issue("ada", {"role": "admin", "scope": "read"} | changed)
        tokens.append(token.access_token)
    go.set()
    await client.over()

    assert seen[0] == claims.token_id
    assert all("another session" in each for each in seen[1:])


async def test_a_block_of_ones_own_is_watched(auth: Auth, manager: AsyncTokenManager) -> None:
    pair = await manager.issue("ada")
    claims = await manager.verify(pair.access_token)

    async def work() -> None:
        async with asyncio.timeout(PATIENCE_S), auth.watch(claims):
            await manager.revoke_session(pair.session_id)
            await asyncio.Event().wait()

    with pytest.raises(TokenRevoked):
        await work()


async def test_a_watch_is_not_found_where_there_is_none(auth: Auth) -> None:
    with pytest.raises(RuntimeError, match=r"required\(watch=True\)"):
        auth.watch_of({"type": "http"})


@pytest.mark.parametrize(
    "verifier",
    [
        TokenVerifier(ACCESS, **NAMES),
        AsyncTokenVerifier(ACCESS, **NAMES),
    ],
)
async def test_a_guard_that_cannot_watch_is_rejected_where_it_is_made(verifier: Any) -> None:
    with pytest.raises(SettingsRejected, match="replica_of"):
        Auth(verifier).required(watch=True)
