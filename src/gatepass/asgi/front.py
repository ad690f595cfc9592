"""What stands in front of an application: https, CORS and the answers to what gets out of it."""

from typing import Final

from gatepass.asgi.messages import (
    AsgiApp,
    Message,
    Receive,
    Scope,
    Send,
    encode_headers,
    send_answer,
)
from gatepass.errors import StoreUnavailable
from gatepass.gate import AuthParts
from gatepass.http import AsgiRequest, RequestRefused

GUARDED: Final = "gatepass.guarded"
"""Where a scope has the list to which guards behind a `Front` add, so that it sends `Vary`."""


class Front:
    """ASGI middleware over http and websocket; bodies pass through unread."""

    def __init__(self, app: AsgiApp, auth: AuthParts) -> None:
        self._app = app
        self._auth = auth
        self._vary = (b"vary", auth.vary.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what goes no further, and add headers to all that is answered."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request, policy = AsgiRequest(scope), self._auth.policy
        added = policy.headers(request)
        answer = self._auth.intercept(request)
        if answer is not None:
            await send_answer(answer.plus(added), scope, receive, send)
            return
        is_begun = False
        encoded = encode_headers(added)
        guarded: list[object] = []
        scope.setdefault(GUARDED, guarded)  # the outermost answers for those inside

        async def send_with_headers(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            if (encoded or guarded) and message["type"].endswith("http.response.start"):
                vary = (self._vary,) if guarded else ()
                message = {**message, "headers": [*message.get("headers", ()), *encoded, *vary]}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except (RequestRefused, StoreUnavailable) as error:
            if is_begun:
                raise
            await send_answer(
                self._auth.answer_error(error).plus(added), scope, _nothing_more, send
            )


async def _nothing_more() -> Message:
    """Stands for a handshake that was taken already."""
    return {"type": "websocket.connect"}
