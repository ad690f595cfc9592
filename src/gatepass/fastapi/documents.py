"""The auth routes and every guarded route in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI

from gatepass.fastapi.schemas import (
    CookieAnswer,
    LoggedOutEverywhere,
    MessageAnswer,
    SessionsAnswer,
    TokenAnswer,
)
from gatepass.http import Problem
from gatepass.http import problems as table

_GUARDED: Final = (
    table.INVALID_REQUEST,
    table.TOKEN_MISSING,
    table.TOKEN_EXPIRED,
    table.TOKEN_REVOKED,
    table.INSUFFICIENT_USER_AUTHENTICATION,
    table.TOKEN_INVALID,
    table.INSUFFICIENT_SCOPE,
    table.STORE_UNAVAILABLE,
)
_TEXT: Final = {"type": "string"}
OWN: Final = "gatepass:"
"""Begins the names of the auth routes."""
SCHEME: Final = "gatepass"
"""Our scheme's name in the document; a guard that asks for scopes has them behind it."""


def refusals(*problems: Problem, invalid_token_status: int = 403) -> dict[int | str, Any]:
    """The `responses` that these rows of the table make, one per status."""
    by_status: dict[int | str, list[Problem]] = {}
    for problem in problems:
        invalid = problem is table.TOKEN_INVALID
        status = invalid_token_status if invalid else problem.status
        by_status.setdefault(status, []).append(problem)
    return {status: _refusal(rows) for status, rows in sorted(by_status.items(), key=str)}


def extend_document(
    app: FastAPI, scheme: Mapping[str, Any], *, invalid_token_status: int, with_cookies: bool
) -> None:
    """Have the application's document name the refusals of every route that takes a token.

    Args:
        app: The application of the document.
        scheme: The security scheme object of OpenAPI, for the Authorize button.
        invalid_token_status: The status of answers to forged tokens.
        with_cookies: Whether cookies are taken, and can fail the CSRF check.
    """
    plain_openapi = app.openapi
    rows = (*_GUARDED, table.CSRF_FAILED) if with_cookies else _GUARDED
    documented = refusals(*rows, invalid_token_status=invalid_token_status)
    guarded = {str(status): response for status, response in documented.items()}

    def openapi() -> dict[str, Any]:
        document = plain_openapi()
        operations = [
            operation
            for path in document["paths"].values()
            for operation in path.values()
            if isinstance(operation, dict) and _takes_token(operation)
        ]
        for operation in operations:
            _gather_scopes(operation)
            for status, response in guarded.items():
                operation["responses"].setdefault(status, response)
        if operations:
            schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
            for name in [name for name in schemes if _is_ours(name)]:
                del schemes[name]
            schemes[SCHEME] = dict(scheme)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _is_ours(scheme_name: str) -> bool:
    return scheme_name.partition(" ")[0] == SCHEME


def _takes_token(operation: Mapping[str, Any]) -> bool:
    return any(_is_ours(name) for each in operation.get("security", ()) for name in each)


def _gather_scopes(operation: dict[str, Any]) -> None:
    """Name our scheme once, with all scopes that the dependencies of this route ask for."""
    ours: dict[str, None] = {}
    others = []
    for requirement in operation["security"]:
        for name, scopes in requirement.items():
            if _is_ours(name):
                ours |= dict.fromkeys([*name.split(" ")[1:], *scopes])
            else:
                others.append({name: scopes})
    operation["security"] = [*others, {SCHEME: list(ours)}]


def _refusal(rows: list[Problem]) -> dict[str, Any]:
    """One status of the table: its codes, its body and its headers."""
    headers = {}
    if any(row.challenge is not None for row in rows):
        headers["WWW-Authenticate"] = {"schema": _TEXT}
    if any(row in table.WITH_RETRY_AFTER for row in rows):
        headers["Retry-After"] = {"schema": {"type": "integer"}}
    codes = {"type": "string", "enum": [row.code for row in rows]}
    body = {
        "type": "object",
        "required": ["error", "code"],
        "properties": {"error": _TEXT, "code": codes},
    }
    return {
        "description": "; ".join(row.error for row in rows),
        "headers": headers,
        "content": {"application/json": {"schema": body}},
    }


def _route(
    summary: str,
    success: Mapping[str, Any] | None,
    *problems: Problem,
    body: Mapping[str, Any] | None = None,
    takes_token: bool = False,
) -> dict[str, Any]:
    """The keyword arguments that describe a route which reads and answers by itself."""
    extra: dict[str, Any] = {} if body is None else {"requestBody": body}
    if takes_token:
        extra["security"] = [{SCHEME: []}]
    succeeds: dict[int | str, Any] = {} if success is None else {200: success}
    return {
        "summary": summary,
        "response_model": None,
        "responses": {**succeeds, **refusals(*problems)},
        "openapi_extra": extra,
    }


def _object(description: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object"} | ({"properties": properties} if properties else {})
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _fields(*required: str, **optional: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {**dict.fromkeys(required, _TEXT), **optional},
    }
    return {"schema": schema | ({"required": list(required)} if required else {})}


_HIDDEN: Final = {"type": "string", "format": "password"}
_CREDENTIALS: Final = _fields(
    "username", "password", password=_HIDDEN, cookies={"type": "boolean", "default": False}
)

_SESSION_ID: Final = {"name": "session_id", "in": "path", "required": True, "schema": _TEXT}

_LOGIN: Final = _route(
    "Trade a user name and a password for a token pair",
    {"model": TokenAnswer | CookieAnswer},
    table.INVALID_REQUEST,
    table.INVALID_CREDENTIALS,
    table.RATE_LIMITED,
    table.STORE_UNAVAILABLE,
    body={
        "required": True,
        "content": {
            "application/json": _CREDENTIALS,
            "application/x-www-form-urlencoded": _CREDENTIALS,
        },
    },
)
_REFRESH: Final = _route(
    "Trade a refresh token for the next pair of its session",
    {"model": TokenAnswer | CookieAnswer},
    table.INVALID_REQUEST,
    table.REFRESH_MISSING,
    table.REFRESH_INVALID,
    table.REFRESH_EXPIRED,
    table.REFRESH_REVOKED,
    table.REFRESH_REUSED,
    table.STORE_UNAVAILABLE,
    body={"required": True, "content": {"application/json": _fields("refresh_token")}},
)
_LOGOUT: Final = _route(
    "End the session that the tokens belong to",
    {"model": MessageAnswer},
    table.TOKEN_MISSING,
    table.REFRESH_INVALID,
    table.REFRESH_EXPIRED,
    body={"content": {"application/json": _fields(refresh_token=_TEXT)}},
    takes_token=True,
)
_END_SESSION: Final = _route(
    "End one of the caller's sessions", None, table.SESSION_UNKNOWN, takes_token=True
)
_END_SESSION["openapi_extra"]["parameters"] = [_SESSION_ID]

ROUTES: Final[Mapping[str, dict[str, Any]]] = {
    "login": _LOGIN,
    "refresh": _REFRESH,
    "logout": _LOGOUT,
    "logout-all": _route(
        "End every session of the caller", {"model": LoggedOutEverywhere}, takes_token=True
    ),
    "me": _route(
        "The claims of the caller's access token", _object("The claims"), takes_token=True
    ),
    "sessions": _route(
        "The caller's live sessions, newest first", {"model": SessionsAnswer}, takes_token=True
    ),
    "session": _END_SESSION | {"status_code": 204},
    "keys": _route(
        "The public keys that verify access tokens",
        _object(
            "The public keys (RFC 7517 §5); none where secrets are shared",
            keys={"type": "array", "items": {"type": "object"}},
        ),
    ),
}
"""The description of each route, by its name."""
