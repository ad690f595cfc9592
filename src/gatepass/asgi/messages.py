"""Answers and bodies as ASGI messages, for http and for websocket handshakes."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from gatepass.http import MAX_BODY, Answer, Headers, RequestRefused
from gatepass.http.problems import INVALID_REQUEST
from gatepass.http.requests import TOO_LONG

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_S: Final = 10.0
"""Seconds in which a body has to arrive: a slow client would hold a connection for ever."""
_DENIAL: Final = "websocket.http.response"
_POLICY_VIOLATION: Final = 1008


async def read_body(receive: Receive) -> bytes:
    """The body of an http request; reading stops where it is too long or too slow.

    Raises:
        RequestRefused: The body is too long or too slow, or the client hung up.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if message["type"] == "http.disconnect" or len(body) > MAX_BODY:
                    raise RequestRefused(INVALID_REQUEST, reason=TOO_LONG)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise RequestRefused(INVALID_REQUEST, reason=TOO_LONG) from None


class AnswerApp:
    """An answer as an ASGI application."""

    __slots__ = ("answer",)  # so that FastAPI cannot serialize it, with status 200

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        await send_answer(self.answer, scope, receive, send)


async def send_answer(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer to a request, or to a websocket handshake instead of accepting it.

    A server without the denial-response extension is told to close, which it does with a 403.
    """
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()  # the handshake; servers expect it to be taken before it is rejected
        if _DENIAL not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
            return
        kind = _DENIAL
    headers = encode_headers(answer.headers)
    if answer.status not in {204, 304}:  # No Content, Not Modified (RFC 9110 §8.6)
        headers.append((b"content-length", str(len(answer.body)).encode()))
    body = b"" if scope.get("method") == "HEAD" else answer.body
    await send({"type": f"{kind}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


def encode_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Header fields as ASGI has them."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
