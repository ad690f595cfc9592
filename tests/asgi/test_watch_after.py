"""A guard with `watch=True` lets what runs after the last message run to its end."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepass import AsyncTokenManager
from gatepass.asgi import AsgiApp, Auth, Receive, Scope, Send
from tests.asgi.connection import CLOSED, LAST, Open

pytestmark = pytest.mark.anyio


async def note_end(scope: Scope) -> None:
    """Goes on until the session of the connection has ended, and notes that it did."""
    scope["notes"].append(await scope["gatepass.watch"][1].ended())


async def answering(scope: Scope, _: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send(LAST)
    await note_end(scope)


async def hanging_up(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1000})
    await note_end(scope)


async def answer_first(request: Request) -> Response:
    return Response(background=BackgroundTask(note_end, request.scope))


AFTER: dict[str, Callable[[Any], AsgiApp]] = {
    "an application": lambda guard: guard(answering),
    "an endpoint": lambda guard: Starlette(routes=[Route("/", guard(answer_first))]),
    "a mounted application": lambda guard: guard(Starlette(routes=[Route("/", answer_first)])),
    "a websocket": lambda guard: guard(hanging_up),
}


@pytest.mark.parametrize("which", AFTER)
async def test_what_runs_after_the_last_message_runs_to_its_end(
    which: str, manager: AsyncTokenManager, opened: Open
) -> None:
    notes: list[str] = []
    app = AFTER[which](Auth(manager).required(watch=True))

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "notes": notes}, receive, send)

    client, pair = await opened(noting, "websocket" if which == "a websocket" else "http")
    await client.until("websocket.close" if which == "a websocket" else "http.response.body")
    await manager.revoke_session(pair.session_id)
    await client.over()

    assert notes == ["token_revoked"]
    assert client.sent[-1] != CLOSED
