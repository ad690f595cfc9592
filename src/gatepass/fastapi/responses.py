"""Answers as Starlette sends them, and the handlers that turn refusals into them."""

from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket, status
from starlette.websockets import WebSocketState

from gatepass.asgi.front import Answered
from gatepass.asgi.messages import Receive, Scope, Send, encode_headers, send_answer
from gatepass.errors import StoreUnavailable
from gatepass.gate import AnyAuth
from gatepass.http import Answer, RequestRefused


def send(answer: Answer) -> Response:
    """The response that carries exactly this answer."""
    response = Response(answer.body, answer.status)
    response.raw_headers += encode_headers(answer.headers)
    return response


class _Denial(Response):
    """Refuses a websocket handshake, in the way that the server can."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send_answer(self._answer, scope, receive, send)


def answer_errors(app: FastAPI, auth: AnyAuth) -> None:
    """Answer refusals with the table, wherever in the application they are raised."""

    async def answer_error(connection: Request | WebSocket, error: Exception) -> Any:
        if isinstance(error, (RequestRefused, StoreUnavailable)):
            answer = auth.answer_error(error)
        elif isinstance(error, Answered):
            answer = error.give()
        else:
            raise error
        if isinstance(connection, Request):
            return send(answer)
        if connection.application_state is WebSocketState.CONNECTING:
            return _Denial(answer)
        await connection.close(status.WS_1008_POLICY_VIOLATION)  # it was accepted before
        return None

    for kind in (RequestRefused, StoreUnavailable, Answered):
        app.add_exception_handler(kind, answer_error)
