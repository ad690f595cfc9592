"""The auth routes in the OpenAPI document: summaries, bodies, answers and examples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gatepass.fastapi.documents import SCHEME, TOKEN_REFUSALS, refusals
from gatepass.fastapi.schemas import (
    CookieAnswer,
    CsrfAnswer,
    LoggedOutEverywhere,
    MessageAnswer,
    SessionsAnswer,
    TokenAnswer,
)
from gatepass.gate import AnyAuth
from gatepass.http import Problem
from gatepass.http import problems as table

_TEXT: Final = {"type": "string"}
_ID: Final = "3f1d5c7b9a024e6880b1c2d3e4f5061728"
_TIMES: Final = {"created_at": 1764500000, "last_used_at": 1764503600, "expires_at": 1765108400}
_LIVES: Final = {"expires_in": 900, "refresh_expires_in": 604800, "session_id": _ID}
_CSRF: Final = {"csrf_token": "qYw3n0s7Zk2v8T5cX1bM4dL6fH9jR0gP3aE7uWtKiNo"}
_TOKENS: Final = {"access_token": "eyJhbGciOi…", "refresh_token": "eyJhbGciOi…"}
_CLAIMS: Final = {
    "iss": "api-server",
    "sub": "7c9e6679",
    "aud": "api-client",
    "exp": 1764504500,
    "iat": 1764503600,
    "jti": "3f8e2a",
    "sid": _ID,
    "role": "admin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One route: `success` is its answer, `problems` are the rows of the table it can answer."""

    summary: str
    text: str
    success: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()
    body: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    takes_token: bool = False
    changes_something: bool = False
    """Whether a token in a cookie needs the CSRF token."""

    def arguments(self, auth: AnyAuth) -> dict[str, Any]:
        """The arguments of FastAPI's decorators, for the policy of this `Auth`."""
        rows = (*(TOKEN_REFUSALS if self.takes_token else ()), *self.problems)
        if self.changes_something and auth.policy.cookies is not None:
            rows += (table.CSRF_FAILED,)
        extra = dict(self.extra)
        if self.body is not None:
            extra["requestBody"] = self.body
        if self.takes_token:
            extra["security"] = [{SCHEME: []}]
        return {
            "summary": self.summary,
            "description": self.text,
            "status_code": self.status,
            "response_model": None,
            "responses": {self.status: dict(self.success), **refusals(auth, *rows)},
            "openapi_extra": extra,
        }


def _answers(description: str, example: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    content = {"schema": {"type": "object"}} if "model" not in more else {}
    return {
        "description": description,
        "content": {"application/json": {**content, "example": example}},
        **more,
    }


def _pair(description: str) -> dict[str, Any]:
    examples = {
        "in the body": {"value": {**_TOKENS, "token_type": "Bearer", **_LIVES}},
        "in cookies": {"value": {**_LIVES, **_CSRF}},
    }
    return {
        "description": description,
        "model": TokenAnswer | CookieAnswer,
        "content": {"application/json": {"examples": examples}},
    }


def _fields(*required: str, example: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    properties = {**dict.fromkeys(required, _TEXT), **optional}
    schema = {"type": "object", "properties": properties}
    return {
        "schema": schema | ({"required": list(required)} if required else {}),
        "example": example,
    }


_CREDENTIALS: Final = _fields(
    "username",
    "password",
    password={"type": "string", "format": "password"},
    cookies={"type": "boolean", "default": False},
    device_token=_TEXT,
    example={"username": "ada", "password": "purple-kettle-sings"},
)
_NEW_PASSWORD: Final = _fields(
    "current_password",
    "new_password",
    current_password={"type": "string", "format": "password"},
    new_password={"type": "string", "format": "password"},
    example={"current_password": "purple-kettle-sings", "new_password": "amber-lantern-hums"},
)
_REFRESH_TOKEN: Final = {
    "content": {
        "application/json": _fields(
            refresh_token=_TEXT, example={"refresh_token": _TOKENS["refresh_token"]}
        )
    }
}

_REQUIREMENT: Final = [
    {"name": name, "in": "query", "schema": _TEXT} for name in ("scope", "role", "kind")
]

DESCRIPTIONS: Final[Mapping[str, Description]] = {
    "login": Description(
        summary="Log in with a user name and a password",
        text="The tokens come in the body, or with `cookies: true` in cookies. Send the "
        "`device_token` of the last login with the next one: it is good for a year.",
        success=_pair("The tokens of a new session"),
        problems=(
            table.INVALID_REQUEST,
            table.INVALID_CREDENTIALS,
            table.CSRF_FAILED,
            table.RATE_LIMITED,
            table.STORE_UNAVAILABLE,
        ),
        body={
            "required": True,
            "content": {
                "application/json": _CREDENTIALS,
                "application/x-www-form-urlencoded": _CREDENTIALS,
            },
        },
    ),
    "refresh": Description(
        summary="Exchange a refresh token for the next token pair",
        text="Each refresh token is used once. Without a body the refresh cookie is used.",
        success=_pair("The next tokens of the session"),
        problems=(
            table.INVALID_REQUEST,
            table.REFRESH_MISSING,
            table.REFRESH_INVALID,
            table.REFRESH_EXPIRED,
            table.REFRESH_REVOKED,
            table.REFRESH_REUSED,
            table.STORE_UNAVAILABLE,
        ),
        body=_REFRESH_TOKEN,
        changes_something=True,
    ),
    "logout": Description(
        summary="Log out: end one session",
        text="Ends the session of the access token, which may have expired, or of the refresh "
        "token in the body. A second logout succeeds too.",
        success=_answers(
            "The session has ended", {"message": "Logged out successfully"}, model=MessageAnswer
        ),
        problems=(table.REFRESH_INVALID, table.REFRESH_EXPIRED),
        body=_REFRESH_TOKEN,
        takes_token=True,
        changes_something=True,
    ),
    "logout-all": Description(
        summary="Log out everywhere: end every session of the caller",
        text="A login that started before this call fails.",
        success=_answers(
            "The sessions have ended",
            {"message": "Logged out everywhere", "revoked": 3},
            model=LoggedOutEverywhere,
        ),
        problems=(table.INSUFFICIENT_SCOPE,),
        takes_token=True,
        changes_something=True,
    ),
    "password": Description(
        summary="Change the caller's password",
        text="Every other session of the caller ends; this one stays. The login must be fresh: "
        "five minutes old at most. After a 503 the new password may hold already: repeat the "
        "same request.",
        success=_answers(
            "The password has changed", {"message": "Password changed"}, model=MessageAnswer
        ),
        problems=(
            table.PASSWORD_REJECTED,
            table.PASSWORD_WRONG,
            table.INSUFFICIENT_SCOPE,
            table.INSUFFICIENT_USER_AUTHENTICATION,
            table.RATE_LIMITED,
        ),
        body={"required": True, "content": {"application/json": _NEW_PASSWORD}},
        takes_token=True,
        changes_something=True,
    ),
    "csrf": Description(
        summary="Get the CSRF token of the session in the cookies",
        text="For a page that was reloaded. Only pages of `public_origins` get an answer.",
        success=_answers("The value of `X-CSRF-Token`", _CSRF, model=CsrfAnswer),
        problems=(
            table.INVALID_REQUEST,
            table.TOKEN_MISSING,
            table.TOKEN_INVALID,
            table.CSRF_FAILED,
        ),
    ),
    "verify": Description(
        summary="Tell a proxy whether a request may pass, and whose it is",
        text="For `auth_request` of nginx and `forward_auth` of Caddy. `scope`, `role` and "
        "`kind` are in the address that the proxy's configuration names: all scopes are required, "
        "and one of the roles. API keys pass with `kind=session+key`. Claims are percent-encoded.",
        success={
            "description": "The request may pass; more headers as configured",
            "headers": {name: {"schema": _TEXT} for name in ("X-Auth-Subject", "X-Auth-Kind")},
        },
        problems=(table.INSUFFICIENT_SCOPE, table.CSRF_FAILED, table.INTERNAL_ERROR),
        extra={"parameters": _REQUIREMENT},
        takes_token=True,
    ),
    "me": Description(
        summary="Get the claims of the access token",
        text="The claims are those of the token, with those that the application added.",
        success=_answers("The claims", _CLAIMS),
        takes_token=True,
    ),
    "sessions": Description(
        summary="List the caller's live sessions",
        text="Newest first; `current` marks the session of the access token.",
        success=_answers(
            "The sessions; times in seconds since 1970",
            {
                "sessions": [
                    {
                        "session_id": _ID,
                        "device": "Firefox on Linux",
                        "client_id": "app",
                        **_TIMES,
                        "current": True,
                    }
                ]
            },
            model=SessionsAnswer,
        ),
        takes_token=True,
    ),
    "session": Description(
        summary="End one of the caller's sessions",
        text="A session of another user counts as unknown.",
        success={"description": "The session has ended"},
        problems=(table.SESSION_UNKNOWN, table.INSUFFICIENT_SCOPE),
        extra={
            "parameters": [
                {
                    "name": "session_id",
                    "in": "path",
                    "required": True,
                    "schema": _TEXT,
                    "example": _ID,
                }
            ]
        },
        status=204,
        takes_token=True,
        changes_something=True,
    ),
    "keys": Description(
        summary="Get the public keys that verify access tokens",
        text="A JSON Web Key Set (RFC 7517 §5); empty where the key is a shared secret.",
        success=_answers(
            "The key set",
            {
                "keys": [
                    {
                        "kty": "OKP",
                        "crv": "Ed25519",
                        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                        "alg": "EdDSA",
                        "use": "sig",
                        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                    }
                ]
            },
        ),
    ),
}
"""The description of each route, by its name."""
