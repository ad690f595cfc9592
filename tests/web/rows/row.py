"""How a row is written: `<name>` stands for a value of the stage, or in an answer for a pattern."""

from dataclasses import dataclass, field, replace
from typing import Final

REFUSALS: Final = {
    "token_missing": (401, "Access token required", ""),
    "token_expired": (401, "Token expired", "invalid_token"),
    "token_revoked": (401, "Token has been revoked", "invalid_token"),
    "token_invalid": (403, "Invalid token", "invalid_token"),
    "invalid_credentials": (401, "Invalid credentials", ""),
    "password_wrong": (403, "Wrong current password", None),
    "password_rejected": (400, "Password rejected", None),
    "refresh_missing": (401, "Refresh token required", ""),
    "refresh_invalid": (401, "Invalid refresh token", ""),
    "refresh_expired": (401, "Refresh token expired", ""),
    "refresh_revoked": (401, "Refresh token has been revoked", ""),
    "refresh_reused": (401, "Refresh token was already used", ""),
    "csrf_failed": (403, "CSRF check failed", None),
    "insufficient_scope": (403, "Insufficient scope", "insufficient_scope"),
    "insufficient_user_authentication": (
        401,
        "Fresh login required",
        "insufficient_user_authentication",
    ),
    "https_required": (403, "HTTPS required", None),
    "session_unknown": (404, "No such session", None),
    "invalid_request": (400, "Invalid request", None),
    "rate_limited": (429, "Too many attempts", None),
    "store_unavailable": (503, "Temporarily unavailable", None),
    "method_not_allowed": (405, "Method not allowed", None),
    "not_found": (404, "Not found", None),
    "internal_error": (500, "Internal error", None),
}
JSON: Final = "Content-Type: application/json"
FORM: Final = "Content-Type: application/x-www-form-urlencoded"
PAIR: Final = (
    '{"access_token":"<token>","refresh_token":"<jwt>","token_type":"Bearer","expires_in":<n>,'
    '"refresh_expires_in":<n>,"session_id":"<id>"}'
)
LOGGED_IN: Final = PAIR[:-1] + ',"device_token":"<jwt>"}'
IN_COOKIES: Final = (
    '{"expires_in":<n>,"refresh_expires_in":<n>,"session_id":"<id>","csrf_token":"<csrf>"}'
)


EXPOSED: Final = "Access-Control-Expose-Headers: WWW-Authenticate, Retry-After"
READABLE: Final = (
    "Access-Control-Allow-Origin: <origin>",
    "Access-Control-Allow-Credentials: true",
    EXPOSED,
)
"""The headers with which a page of ours reads an answer of the auth routes, wherever it is."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: method and path, header lines in order, and a body."""

    line: str
    headers: tuple[str, ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class Want:
    """An answer: its status, its whole body, and every header that is watched."""

    status: int
    body: str = ""
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One scenario; calls that come first are made, and their answers can be named."""

    name: str
    call: Call
    want: Want
    first: tuple[Call, ...] = ()
    variant: str = "development"
    needs_routes: bool = False
    """It asks a route of an application, which `gatepass serve` does not have."""
    is_down: bool = False
    """The database is gone meanwhile."""
    peer: str = "127.0.0.1"
    """The client's address; the one given here is the proxy that production trusts."""
    marks: frozenset[str] = field(default=frozenset())


def refused(code: str, *more: str, challenge: str | None = None, parameters: str = "") -> Want:
    """The table's answer to a refusal, and more headers."""
    status, error, row_challenge = REFUSALS[code]
    challenge = row_challenge if challenge is None else challenge
    headers = [JSON, "Cache-Control: no-store"]
    if challenge is not None:
        described = f' error="{challenge}", error_description="{error}"{parameters}'
        headers.append("WWW-Authenticate: Bearer" + (described if challenge else ""))
    if code in {"rate_limited", "store_unavailable"}:
        headers.append("Retry-After: " + ("2" if code == "store_unavailable" else "<n>"))
    return Want(status, f'{{"error":"{error}","code":"{code}"}}', (*headers, *more))


def done(body: str, *more: str, status: int = 200) -> Want:
    """A success of a gatepass route: JSON that nobody stores."""
    content = (JSON,) if body else ()
    return Want(status, body, (*content, "Cache-Control: no-store", *more))


def shown(*more: str, subject: str = '"<subject>"') -> Want:
    """A success of the application's own routes."""
    return Want(200, f'{{"subject":{subject}}}', (JSON, *more))


def bearer(name: str) -> str:
    """The header that carries a token of the stage."""
    return f"Authorization: Bearer <{name}>"


def in_production(row: Row) -> Row:
    """The same scenario where everything is as strict as it is for users."""
    secure = "X-Forwarded-Proto: https"
    call = replace(row.call, headers=(secure, *row.call.headers))
    first = tuple(replace(one, headers=(secure, *one.headers)) for one in row.first)
    hsts = "Strict-Transport-Security: max-age=31536000"
    want = replace(row.want, headers=(*row.want.headers, hsts))
    return replace(
        row,
        name=f"{row.name}, in production",
        variant="production",
        call=call,
        first=first,
        want=want,
    )
