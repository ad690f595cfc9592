"""Answers as Starlette sends them, and the handlers that turn refusals into them."""

from fastapi import FastAPI, Request, Response

from gatepass.asgi.messages import encode_headers
from gatepass.errors import StoreUnavailable
from gatepass.gate import AuthParts
from gatepass.http import Answer, RequestRefused


def send(answer: Answer) -> Response:
    """The response that carries exactly this answer."""
    response = Response(answer.body, answer.status)
    response.raw_headers += encode_headers(answer.headers)
    return response


def answer_errors(app: FastAPI, auth: AuthParts) -> None:
    """Answer refusals with the table, wherever in the application they are raised."""

    async def answer_error(_: Request, error: Exception) -> Response:
        if not isinstance(error, (RequestRefused, StoreUnavailable)):
            raise error
        return send(auth.answer_error(error))

    app.add_exception_handler(RequestRefused, answer_error)
    app.add_exception_handler(StoreUnavailable, answer_error)
