"""Connections that end with their session: the part of `required(watch=True)` that ASGI needs.

1. The handler runs inside a watch, in its own task. The end cancels it wherever it waits: in
   `receive`, in `send`, or for something of the application's.
2. A `Line` notes how far a connection has come, so that the end fits: a handshake that waits is
   rejected and a request without an answer gets the table's, an open websocket is closed with a
   code and the reason, an answer that has begun stops. Work after the last message, such as
   Starlette's background tasks, goes on.
3. A connection has one watch, however many guards ask for it. `renew` repeats the requirement of
   every guard of this `Auth` that let the connection through.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from gatepass.asgi.messages import AsgiApp, Message, Receive, Scope, Send, send_answer
from gatepass.errors import GatepassError, StoreUnavailable
from gatepass.http import ACCESS_PROBLEMS, Answer, RequestRefused, Requirement
from gatepass.http.problems import TOKEN_INVALID, find_problem, find_retry_after
from gatepass.tokens import AccessClaims
from gatepass.watches.async_watch import AsyncWatch

if TYPE_CHECKING:
    from gatepass.asgi.common_auth import AnyAsgiAuth

AnyWatch = AsyncWatch[AccessClaims]
ENDED: Final = 4401
"""The code of a websocket whose session, token or key has ended; its reason is our error code."""
_TRY_AGAIN_LATER: Final = 1013
"""The code where revocations cannot be checked any more."""
_WATCH: Final = "gatepass.watch"
_REQUIREMENTS: Final = "gatepass.requirements"
"""The keys of a scope for its watch, and for the requirements that were met, by their `Auth`."""
_NOBODY: Final = (None, None)
_END_S: Final = 10.0
"""Seconds in which a client takes the end of its connection; then the server has to drop it."""


class Ended(RequestRefused):
    """The session of a watched connection has ended."""


class Line:
    """The state of the conversation with a client."""

    __slots__ = ("_receive", "_scope", "_send", "is_begun", "is_greeted", "is_over", "watch")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self.is_greeted = self.is_begun = self.is_over = False
        self.watch: AnyWatch | None = None

    async def receive(self) -> Message:
        """See `Receive`."""
        message = await self._receive()
        self.is_greeted = True
        return message

    async def send(self, message: Message) -> None:
        """See `Send`."""
        await self._send(self.note(message))
        if self.is_over and self.watch is not None:
            self.watch.let_go()

    def note(self, message: Message) -> Message:
        """The message to send; a websocket that is closed after the end tells the reason."""
        kind = message["type"]
        if kind.endswith((".accept", "response.start")):
            self.is_begun = True
        elif kind == "websocket.close":
            self.is_over = True
            if self.watch is not None and self.watch.error is not None:
                return _closing(self.watch.error)
        elif kind.endswith("response.body") and not message.get("more_body", False):
            self.is_over = True
        return message

    async def end(self, ended: Ended, answer: Answer) -> None:
        """End the connection, with this answer if there was none.

        Raises:
            TimeoutError: The client does not take it. The server has to drop the connection.
        """
        if self.is_over:
            return
        async with asyncio.timeout(_END_S):
            if not self.is_begun:
                receive = _nothing_more if self.is_greeted else self._receive
                await send_answer(answer, self._scope, receive, self._send)
            elif self._scope["type"] == "websocket":
                await self._send(_closing(ended.__cause__))
            else:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        self.is_over = True


@asynccontextmanager
async def watching(
    auth: "AnyAsgiAuth", scope: Scope, claims: AccessClaims
) -> AsyncIterator[AnyWatch]:
    """The watch of a connection, in whose block the handler runs.

    Raises:
        Ended: The session, token or key has ended, or it cannot be checked any more.
    """
    owner, held = scope.get(_WATCH, _NOBODY)
    if owner is auth and held is not None:
        yield held
        return
    met = scope.setdefault(_REQUIREMENTS, [])

    def require(renewed: AccessClaims) -> None:
        for its_auth, requirement in met:
            if its_auth is auth:
                auth.guard.require(renewed, requirement)

    watch = auth.watch(claims, require=require)
    is_entered = False
    try:
        async with watch:
            is_entered = True
            scope[_WATCH] = (auth, watch)
            yield watch
    except GatepassError as error:
        if is_entered and error is not watch.error:
            raise
        problem = find_problem(error, ACCESS_PROBLEMS) or TOKEN_INVALID
        raise Ended(problem, retry_after=find_retry_after(error)) from error


async def run_watched(
    app: AsgiApp,
    auth: "AnyAsgiAuth",
    scope: Scope,
    claims: AccessClaims,
    ends: tuple[Receive, Send],
) -> None:
    """Run an application until it returns or the session of its connection ends."""
    line = Line(scope, *ends)
    try:
        async with watching(auth, scope, claims) as line.watch:
            await app(scope, line.receive, line.send)
    except Ended as ended:
        await line.end(ended, auth.answer_error(ended))


def note_requirement(auth: object, scope: Scope, requirement: Requirement) -> None:
    """Have renewed tokens of this connection meet the requirement too."""
    if requirement.asks:
        scope.setdefault(_REQUIREMENTS, []).append((auth, requirement))


def find_watch(auth: object, scope: Mapping[str, Any]) -> AnyWatch:
    """The watch of a connection.

    Raises:
        RuntimeError: No guard of this `Auth` watches it.
    """
    owner, watch = scope.get(_WATCH, _NOBODY)
    if owner is not auth or watch is None:
        raise RuntimeError(
            "nothing watches this connection: guard it with auth.required(watch=True)"
        )
    found: AnyWatch = watch
    return found


def _closing(error: BaseException | None) -> Message:
    code = _TRY_AGAIN_LATER if isinstance(error, StoreUnavailable) else ENDED
    reason = error.code if isinstance(error, GatepassError) else ""
    return {"type": "websocket.close", "code": code, "reason": reason}


async def _nothing_more() -> Message:
    """Stands for a handshake that was taken already."""
    return {"type": "websocket.connect"}
