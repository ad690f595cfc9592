"""The rows of the table, and every guarded route, in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI

from gatepass.gate import AnyAuth
from gatepass.http import Problem
from gatepass.http import problems as table

TOKEN_REFUSALS: Final = (
    table.INVALID_REQUEST,
    table.TOKEN_MISSING,
    table.TOKEN_EXPIRED,
    table.TOKEN_REVOKED,
    table.TOKEN_INVALID,
    table.STORE_UNAVAILABLE,
)
"""The refusals of every route that takes an access token."""
_GUARDED: Final = (
    *TOKEN_REFUSALS,
    table.INSUFFICIENT_USER_AUTHENTICATION,
    table.INSUFFICIENT_SCOPE,
)
_TEXT: Final = {"type": "string"}
OWN: Final = "gatepass:"
"""Begins the names of the auth routes."""
SCHEME: Final = "gatepass"
"""Our scheme's name in the document; a guard that asks for scopes has them behind it."""


def refusals(auth: AnyAuth, *problems: Problem) -> dict[int | str, Any]:
    """The `responses` that these rows of the table make, one per status.

    A policy that requires https adds its own row.
    """
    secure = () if auth.policy.https is None else (table.HTTPS_REQUIRED,)
    by_status: dict[int | str, list[Problem]] = {}
    for problem in (*problems, *secure):
        invalid = problem is table.TOKEN_INVALID
        status = auth.invalid_token_status if invalid else problem.status
        by_status.setdefault(status, []).append(problem)
    return {status: _refusal(rows) for status, rows in sorted(by_status.items(), key=str)}


def extend_document(app: FastAPI, scheme: Mapping[str, Any], auth: AnyAuth) -> None:
    """Have the application's document name the refusals of every route that takes a token.

    Args:
        app: The application of the document.
        scheme: The security scheme object of OpenAPI, for the Authorize button.
        auth: Its policy says whether cookies can fail the CSRF check.
    """
    plain_openapi = app.openapi
    rows = _GUARDED if auth.policy.cookies is None else (*_GUARDED, table.CSRF_FAILED)
    guarded = {str(status): response for status, response in refusals(auth, *rows).items()}

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
    """One status of the table: its codes, a body for each, and its headers."""
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
    examples = {row.code: {"value": {"error": row.error, "code": row.code}} for row in rows}
    return {
        "description": "; ".join(row.error for row in rows),
        **({"headers": headers} if headers else {}),
        "content": {"application/json": {"schema": body, "examples": examples}},
    }
