"""Answers as Starlette sends them, and the handlers that turn refusals into them."""

from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket, status
from starlette.websockets import WebSocketState

from gatepass.asgi.front import Answered
from gatepass.asgi.messages import AnswerApp, encode_headers
from gatepass.asgi.watching import Ended
from gatepass.errors import StoreUnavailable
from gatepass.gate import AnyAuth
from gatepass.http import Answer, RequestRefused


def send(answer: Answer) -> Response:
    """The response that carries exactly this answer."""
    response = Response(answer.body, answer.status)
    response.raw_headers += encode_headers(answer.headers)
    return response


def answer_errors(app: FastAPI, auth: AnyAuth) -> None:
    """Answer refusals with the table, wherever in the application they are raised."""

    async def answer_error(connection: Request | WebSocket, error: Exception) -> Any:
        if isinstance(error, Ended) and isinstance(connection, WebSocket):
            raise error  # the `Front` knows whether the websocket was accepted, and ends it
        if isinstance(error, (RequestRefused, StoreUnavailable)):
            answer = auth.answer_error(error)
        elif isinstance(error, Answered):
            answer = error.answer
        else:
            raise error
        if isinstance(connection, WebSocket) and (
            connection.application_state is not WebSocketState.CONNECTING
        ):
            await connection.close(status.WS_1008_POLICY_VIOLATION)  # it was accepted before
            return None
        return AnswerApp(answer)

    for kind in (RequestRefused, StoreUnavailable, Answered):
        app.add_exception_handler(kind, answer_error)
