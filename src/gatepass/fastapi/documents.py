"""What the OpenAPI document says about the auth routes, and about every guarded route."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

from gatepass.fastapi.schemas import (
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


def refusals(*problems: Problem, invalid_token_status: int = 403) -> dict[int | str, Any]:
    """The `responses` that these rows of the table make, one per status."""
    by_status: dict[int | str, list[Problem]] = {}
    for problem in problems:
        invalid = problem is table.TOKEN_INVALID
        status = invalid_token_status if invalid else problem.status
        by_status.setdefault(status, []).append(problem)
    return {status: _refusal(rows) for status, rows in sorted(by_status.items(), key=str)}


def document_refusals(app: FastAPI, scheme_name: str, *, invalid_token_status: int) -> None:
    """Have the application's document name the refusals of every route that takes a token."""
    plain_openapi = app.openapi
    guarded = {
        str(status): response
        for status, response in refusals(
            *_GUARDED, invalid_token_status=invalid_token_status
        ).items()
    }

    def openapi() -> dict[str, Any]:
        document = plain_openapi()
        for path in document["paths"].values():
            for operation in path.values():
                if _takes_token(operation, scheme_name):
                    for status, response in guarded.items():
                        operation["responses"].setdefault(status, response)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _takes_token(operation: object, scheme_name: str) -> bool:
    return isinstance(operation, dict) and any(
        scheme_name in requirement for requirement in operation.get("security", ())
    )


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
    model: type[BaseModel] | None,
    *problems: Problem,
    body: Mapping[str, Any] | None = None,
    parameters: list[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The keyword arguments that describe a route which reads and answers by itself."""
    extra: dict[str, Any] = {}
    if body is not None:
        extra["requestBody"] = body
    if parameters is not None:
        extra["parameters"] = parameters
    success: dict[int | str, Any] = {} if model is None else {200: {"model": model}}
    return {
        "response_model": None,
        "responses": {**success, **refusals(*problems)},
        "openapi_extra": extra,
    }


def _fields(*required: str, **optional: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {**dict.fromkeys(required, _TEXT), **optional},
    }
    return {"schema": schema | ({"required": list(required)} if required else {})}


_HIDDEN: Final = {"type": "string", "format": "password"}
_CREDENTIALS: Final = _fields("username", "password", password=_HIDDEN)

LOGIN: Final = _route(
    TokenAnswer,
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
REFRESH: Final = _route(
    TokenAnswer,
    table.INVALID_REQUEST,
    table.REFRESH_MISSING,
    table.REFRESH_INVALID,
    table.REFRESH_EXPIRED,
    table.REFRESH_REVOKED,
    table.REFRESH_REUSED,
    table.STORE_UNAVAILABLE,
    body={"required": True, "content": {"application/json": _fields("refresh_token")}},
)
LOGOUT: Final = _route(
    MessageAnswer,
    table.TOKEN_MISSING,
    table.REFRESH_INVALID,
    table.REFRESH_EXPIRED,
    body={"content": {"application/json": _fields(refresh_token=_TEXT)}},
)
LOGOUT_ALL: Final = _route(LoggedOutEverywhere)
ME: Final[dict[str, Any]] = {
    "response_model": None,
    "responses": {
        200: {
            "description": "The claims",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
}
SESSIONS: Final = _route(SessionsAnswer)
END_SESSION: Final = _route(
    None,
    table.SESSION_UNKNOWN,
    parameters=[{"name": "session_id", "in": "path", "required": True, "schema": _TEXT}],
) | {"status_code": 204}
KEYS: Final[dict[str, Any]] = {
    "response_model": None,
    "responses": {
        200: {
            "description": "The public keys (RFC 7517 §5); none where secrets are shared",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
                    }
                }
            },
        }
    },
}
