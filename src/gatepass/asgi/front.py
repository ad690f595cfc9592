"""`Front`: the https and CORS rules before an application, and answers to its refusals."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
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
from gatepass.asgi.watching import Ended, Line
from gatepass.errors import StoreUnavailable
from gatepass.gate import AnyAuth
from gatepass.http import Answer, AsgiRequest, Headers, RequestRefused, is_preflight

GUARDED: Final = "gatepass.guarded"
"""The key of a scope under which guards behind a `Front` find the request's `Verdict`."""
_FAILED: Final = 500
_BELOW: Final[ContextVar[tuple[AnyAuth | None, str]]] = ContextVar(
    "gatepass_root_path", default=(None, "")
)
"""The `Auth` of the outermost `Front` of this request, and the root path that it saw."""


@dataclass(slots=True)
class Verdict:
    """The decision of the guards on one request, for the `Front` that answers it."""

    auth: AnyAuth
    """The `Auth` of the outermost `Front`."""
    line: Line
    """The connection as that `Front` sees it."""
    vary: str = ""
    """The `Vary` of the answer, by the guard that let the request through."""
    refuse: Callable[[], Answer] | None = None
    """Makes the answer of the guard that rejected the request."""
    ended: Ended | None = None
    """The end of the watch behind a guard."""


class Answered(Exception):
    """A guard answers the request itself, and its view is not called."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


_REFUSALS: Final = (RequestRefused, StoreUnavailable, Answered)


def root_path_of(auth: AnyAuth) -> str:
    """The path before the application of this `Auth`, in the request that is being handled."""
    found, root_path = _BELOW.get()
    return root_path if found is auth else ""


class Front:
    """ASGI middleware over http and websocket; bodies pass through unread."""

    def __init__(self, app: AsgiApp, auth: AnyAuth) -> None:
        self._app = app
        self._auth = auth
        self._is_silent = auth.policy.is_silent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what the https and CORS rules stop, and add headers to every answer."""
        outer: Verdict | None = scope.get(GUARDED)
        is_done = outer is not None and outer.auth is self._auth  # mounted in its application
        if is_done or scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        _BELOW.set((self._auth, scope.get("root_path", "")))
        request = AsgiRequest(scope)
        if is_preflight(request):
            send = self._explaining(request, send)
        added: Headers = ()
        if not self._is_silent:
            added = self._auth.policy.headers(request)
            answer = self._auth.intercept(request)
            if answer is not None:
                await send_answer(answer.plus(added), scope, receive, send)
                return
        await self._pass_on(added, scope, receive, send)

    def _explaining(self, request: AsgiRequest, send: Send) -> Send:
        """A `send` that logs why browsers will reject the answer to this preflight."""

        async def explaining(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = {name.lower(): value for name, value in message.get("headers", ())}
                self._auth.explain_preflight(
                    request, lambda name: told.get(name.encode(), b"").decode("latin-1")
                )
            await send(message)

        return explaining

    async def _pass_on(self, added: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; answer the refusals that get out of it."""
        is_begun = is_replaced = False
        encoded = encode_headers(added) if added else []
        # Two lines of these are none to browsers: an application may have CORS rules of its own.
        replaced = {name for name, _ in encoded} - {b"vary"}
        line = Line(scope, receive, send)
        verdict = Verdict(self._auth, line)
        scope.setdefault(GUARDED, verdict)  # the outermost answers for those inside

        async def send_with_headers(message: Message) -> None:
            nonlocal is_begun, is_replaced
            is_begun = True
            if verdict.refuse and message.get("status") == _FAILED:
                is_replaced = True
                await send_answer(verdict.refuse().plus(added), scope, _nothing_more, send)
            if is_replaced:
                return
            if message["type"].endswith("http.response.start"):
                vary = [(b"vary", verdict.vary.encode())] if verdict.vary else []
                kept = [
                    pair for pair in message.get("headers", ()) if pair[0].lower() not in replaced
                ]
                message = {**message, "headers": [*kept, *encoded, *vary]}
            await line.send(message)

        try:
            await self._call(verdict, scope, receive, send_with_headers)
        except Exception as error:
            refuse = None if is_begun else self._find_answer(error, verdict)
            if refuse is not None:
                is_replaced = True
                await send_answer(refuse().plus(added), scope, _nothing_more, send)
            # Starlette raises an error of its own where an inner application answered first. A
            # handler that failed is for the server's log.
            is_refusal = isinstance(error, _REFUSALS) or isinstance(error.__cause__, _REFUSALS)
            if not (is_replaced and is_refusal):
                raise

    async def _call(self, verdict: Verdict, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; end what it has begun to answer, if its watch is over."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            is_told = verdict.ended is not None and verdict.ended in {error, error.__cause__}
            if not (await self._end(verdict) and is_told):
                raise
        else:
            await self._end(verdict)

    async def _end(self, verdict: Verdict) -> bool:
        if verdict.ended is None or not verdict.line.is_begun:
            return False
        await verdict.line.end(verdict.ended, self._auth.answer_error(verdict.ended))
        return True

    def _find_answer(self, error: Exception, verdict: Verdict) -> Callable[[], Answer] | None:
        if isinstance(error, (RequestRefused, StoreUnavailable)):
            return partial(self._auth.answer_error, error)
        return verdict.refuse


async def _nothing_more() -> Message:
    """Stands for a handshake that was taken already."""
    return {"type": "websocket.connect"}
