"""Answers as Starlette sends them, and the handlers that turn refusals into them."""

import logging

from fastapi import FastAPI, Request, Response

from gatepass.errors import StoreUnavailable
from gatepass.http import Answer, RequestRefused, answer_refused
from gatepass.http.problems import STORE_UNAVAILABLE

_log = logging.getLogger(__name__)


def send(answer: Answer) -> Response:
    """The response that carries exactly this answer."""
    return Response(answer.body, answer.status, dict(answer.headers))


def answer_errors(app: FastAPI, *, invalid_token_status: int) -> None:
    """Answer refusals with the table, wherever in the application they are raised."""

    async def answer_refusal(_: Request, error: Exception) -> Response:
        if not isinstance(error, RequestRefused):
            raise error
        if error.problem is STORE_UNAVAILABLE:
            _warn(error.__cause__)
        return send(answer_refused(error, invalid_token_status=invalid_token_status))

    async def answer_outage(_: Request, error: Exception) -> Response:
        _warn(error)
        return send(answer_refused(RequestRefused(STORE_UNAVAILABLE)))

    app.add_exception_handler(RequestRefused, answer_refusal)
    app.add_exception_handler(StoreUnavailable, answer_outage)


def _warn(error: BaseException | None) -> None:
    """Say what kind of failure is behind a 503; a driver's text may hold a statement's values."""
    cause = getattr(error, "__cause__", None)
    _log.warning("store unavailable, answered 503 (cause: %s)", type(cause).__name__)
