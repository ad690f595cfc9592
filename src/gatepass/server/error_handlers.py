"""JSON for requests that no route answers: unknown paths, wrong methods, and faults of ours."""

from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from gatepass.fastapi.responses import send
from gatepass.http import Problem, RequestRefused, answer_refused
from gatepass.http.problems import INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND

_BY_STATUS: Final[dict[int, Problem]] = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED}


def answer_the_rest(app: FastAPI) -> None:
    """Have the application answer every error with a row of the table."""

    async def answer_status(_: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        answer = send(
            answer_refused(RequestRefused(_BY_STATUS.get(error.status_code, INVALID_REQUEST)))
        )
        answer.headers.update(error.headers or {})
        return answer

    async def answer_fault(_: Request, __: Exception) -> Response:
        return send(answer_refused(RequestRefused(INTERNAL_ERROR)))

    app.add_exception_handler(HTTPException, answer_status)
    app.add_exception_handler(Exception, answer_fault)
