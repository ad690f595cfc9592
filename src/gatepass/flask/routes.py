"""The auth routes as Flask's."""

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException

from gatepass.flask.responses import send
from gatepass.gate import KEYS, AnyAuth, Gate, Route, routes_of, run_in_place
from gatepass.http import MAX_BODY, RequestRefused, WsgiRequest
from gatepass.http.problems import INVALID_REQUEST
from gatepass.http.requests import TOO_LONG

_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_OURS: Final[WeakSet[Callable[..., Any]]] = WeakSet()
"""The functions behind the routes: a blueprint of the same name has others."""


def make_blueprint(auth: AnyAuth, gate: Gate, prefix: str) -> Blueprint:
    """The routes below a prefix, and the key set at the root."""
    blueprint = Blueprint("gatepass", __name__)
    _add(blueprint, KEYS.path, KEYS, auth)
    for route in routes_of(gate):
        rule = f"{prefix}{route.path}" + ("<session_id>" if route.names_session else "")
        _add(blueprint, rule, route, auth)
    return blueprint


def is_route_of_ours() -> bool:
    """Whether Flask is about to call one of these routes for the current request."""
    return current_app.view_functions.get(request.endpoint or "") in _OURS


def _add(blueprint: Blueprint, rule: str, route: Route, auth: AnyAuth) -> None:
    def answer(session_id: str = "") -> Response:
        asked = WsgiRequest(request.environ)
        return send(run_in_place(auth.answer(route, asked, _read_body, session_id)))

    _OURS.add(answer)
    blueprint.add_url_rule(
        rule,
        endpoint=route.name,
        view_func=answer,
        methods=_ALL_METHODS,
        provide_automatic_options=False,
        strict_slashes=True,
    )


def _read_body() -> bytes:
    """The body of the request.

    Raises:
        RequestRefused: The body is too long, or the client hung up.
    """
    body = bytearray()
    try:
        while len(body) <= MAX_BODY:
            chunk = request.stream.read(MAX_BODY + 1 - len(body))
            if not chunk:
                return bytes(body)
            body += chunk
    except (OSError, HTTPException):
        raise RequestRefused(INVALID_REQUEST, reason=TOO_LONG) from None
    raise RequestRefused(INVALID_REQUEST, reason=TOO_LONG)
