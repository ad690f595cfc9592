"""Answers as Flask sends them, and results of views that are awaitable."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from flask import Flask, Response, after_this_request, current_app
from werkzeug.exceptions import HTTPException

from gatepass.http import Answer
from gatepass.tokens import AccessClaims


def send(answer: Answer) -> Response:
    """The response that carries exactly this answer."""
    response = Response(answer.body, answer.status)
    response.headers.clear()
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response


def final(answer: Answer) -> HTTPException:
    """An exception that ends the request with this answer.

    It carries its response, so that Flask calls no error handler for it and decorators above a
    guard do not marshal it. Flask-RESTX, and handlers of other extensions, replace the response
    all the same: the answer is put back once they have run.
    """
    after_this_request(lambda _: send(answer))
    return HTTPException(response=send(answer))


def add_header(response: Response, name: str, value: str) -> None:
    """Set a header; `Vary` gets a value more, in one line: Flask's session keeps the first only."""
    if name == "Vary":
        lines = ", ".join([*response.headers.getlist(name), value]).split(", ")
        value = ", ".join(dict.fromkeys(lines))
    response.headers[name] = value


def keep_first_cors_headers(response: Response) -> None:
    """Drop what an extension added to our own: two values of such a header are none to browsers."""
    for name in {name for name, _ in response.headers if name.startswith("Access-Control-")}:
        response.headers[name] = response.headers[name]


def answerable(result: Any) -> Any:
    """The result of a view, as an object that Flask answers with where it is claims."""
    if isinstance(result, AccessClaims):
        return dict(result)
    if isinstance(result, tuple) and result and isinstance(result[0], AccessClaims):
        return (dict(result[0]), *result[1:])
    return result


def take_claims(app: Flask) -> None:
    """Let `jsonify` and answers of this application have claims in them."""
    provider: Any = app.json
    default: Callable[[Any], Any] | None = getattr(provider, "default", None)
    if default is not None:  # a provider without it decides by itself
        provider.default = lambda value: (
            dict(value) if isinstance(value, AccessClaims) else default(value)
        )


def settle(result: Any) -> Any:
    """The result of a view, awaited as Flask awaits the results of async views.

    An awaitable is returned as it is where an event loop runs: an async decorator awaits it.
    """
    if not inspect.isawaitable(result) or _is_in_loop():
        return result
    awaitable: Awaitable[Any] = result

    async def wait() -> Any:
        return await awaitable

    return current_app.ensure_sync(wait)()


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
