"""The one table of answers to rejected requests; knows no framework.

401 means "get a fresh token and try again", 403 means "that will not help": the difference
keeps clients out of refresh loops.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, NoReturn

from gatepass.errors import (
    GatepassError,
    RefreshReused,
    SessionExpired,
    SessionRevoked,
    SessionUnknown,
    StoreUnavailable,
    SubjectDisabled,
    SubjectEpochChanged,
    TokenError,
    TokenExpired,
    TokenMissing,
    TokenRevoked,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table: the status, and the two members of the JSON body."""

    status: int
    code: str
    error: str
    challenge: str | None = None
    """The error code of the `WWW-Authenticate` header (RFC 6750 §3.1).

    `""` challenges without one, because no access token was rejected; `None` has no header.
    """


TOKEN_MISSING: Final = Problem(401, "token_missing", "Access token required", "")
TOKEN_EXPIRED: Final = Problem(401, "token_expired", "Token expired", "invalid_token")
TOKEN_REVOKED: Final = Problem(401, "token_revoked", "Token has been revoked", "invalid_token")
TOKEN_INVALID: Final = Problem(403, "token_invalid", "Invalid token", "invalid_token")
INVALID_CREDENTIALS: Final = Problem(401, "invalid_credentials", "Invalid credentials", "")
PASSWORD_WRONG: Final = Problem(403, "password_wrong", "Wrong current password")
PASSWORD_REJECTED: Final = Problem(400, "password_rejected", "Password rejected")
"""Its `error` is the sentence of the rule that the new password breaks."""
REFRESH_MISSING: Final = Problem(401, "refresh_missing", "Refresh token required", "")
REFRESH_INVALID: Final = Problem(401, "refresh_invalid", "Invalid refresh token", "")
REFRESH_EXPIRED: Final = Problem(401, "refresh_expired", "Refresh token expired", "")
REFRESH_REVOKED: Final = Problem(401, "refresh_revoked", "Refresh token has been revoked", "")
REFRESH_REUSED: Final = Problem(401, "refresh_reused", "Refresh token was already used", "")
CSRF_FAILED: Final = Problem(403, "csrf_failed", "CSRF check failed")
INSUFFICIENT_SCOPE: Final = Problem(
    403, "insufficient_scope", "Insufficient scope", "insufficient_scope"
)
INSUFFICIENT_USER_AUTHENTICATION: Final = Problem(
    401,
    "insufficient_user_authentication",
    "Fresh login required",
    "insufficient_user_authentication",
)
HTTPS_REQUIRED: Final = Problem(403, "https_required", "HTTPS required")
SESSION_UNKNOWN: Final = Problem(404, "session_unknown", "No such session")
INVALID_REQUEST: Final = Problem(400, "invalid_request", "Invalid request")
RATE_LIMITED: Final = Problem(429, "rate_limited", "Too many attempts")
STORE_UNAVAILABLE: Final = Problem(503, "store_unavailable", "Temporarily unavailable")
NOT_FOUND: Final = Problem(404, "not_found", "Not found")
METHOD_NOT_ALLOWED: Final = Problem(405, "method_not_allowed", "Method not allowed")
INTERNAL_ERROR: Final = Problem(500, "internal_error", "Internal error")

PROBLEMS: Final = (
    TOKEN_MISSING,
    TOKEN_EXPIRED,
    TOKEN_REVOKED,
    TOKEN_INVALID,
    INVALID_CREDENTIALS,
    PASSWORD_WRONG,
    PASSWORD_REJECTED,
    REFRESH_MISSING,
    REFRESH_INVALID,
    REFRESH_EXPIRED,
    REFRESH_REVOKED,
    REFRESH_REUSED,
    CSRF_FAILED,
    INSUFFICIENT_SCOPE,
    INSUFFICIENT_USER_AUTHENTICATION,
    HTTPS_REQUIRED,
    SESSION_UNKNOWN,
    INVALID_REQUEST,
    RATE_LIMITED,
    STORE_UNAVAILABLE,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    INTERNAL_ERROR,
)
"""Every row, in the order of the documentation; the last three are the ready server's own."""

WITH_RETRY_AFTER: Final = (RATE_LIMITED, STORE_UNAVAILABLE)
"""The rows whose answers say when to try again."""

Problems = Mapping[type[GatepassError], Problem]
"""The row for each class of errors; the class nearest to the error counts."""

ACCESS_PROBLEMS: Final[Problems] = {
    TokenError: TOKEN_INVALID,
    TokenMissing: TOKEN_MISSING,
    TokenExpired: TOKEN_EXPIRED,
    TokenRevoked: TOKEN_REVOKED,
    SubjectDisabled: TOKEN_REVOKED,
    StoreUnavailable: STORE_UNAVAILABLE,
}
REFRESH_PROBLEMS: Final[Problems] = {
    TokenError: REFRESH_INVALID,
    TokenMissing: REFRESH_MISSING,
    TokenExpired: REFRESH_EXPIRED,
    TokenRevoked: REFRESH_REVOKED,
    RefreshReused: REFRESH_REUSED,
    SessionRevoked: REFRESH_REVOKED,
    SessionExpired: REFRESH_EXPIRED,
    SessionUnknown: REFRESH_INVALID,
    SubjectDisabled: REFRESH_REVOKED,
    StoreUnavailable: STORE_UNAVAILABLE,
}
LOGIN_PROBLEMS: Final[Problems] = {
    SubjectDisabled: INVALID_CREDENTIALS,
    SubjectEpochChanged: INVALID_CREDENTIALS,
    StoreUnavailable: STORE_UNAVAILABLE,
}


class RequestRefused(GatepassError):
    """A request was rejected with a row of the table."""

    code = "request_refused"
    message = "the request is refused"

    def __init__(
        self,
        problem: Problem,
        *,
        challenge: str | None = None,
        parameters: Mapping[str, str] | None = None,
        retry_after: int | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(problem.error)
        self.problem = problem
        self.challenge = problem.challenge if challenge is None else challenge
        """Overrides the row's, if an `Authorization` header was rejected."""
        self.parameters = parameters or {}
        """More parameters of the challenge, such as `scope` or `max_age` (RFC 9470 §3)."""
        self.retry_after = retry_after
        """Seconds; the header is left out of answers other than 429 and 503."""
        self.reason = reason
        """Why, for the server's log only; no value of a header, cookie or field is in it."""

    def __reduce__(self) -> tuple[Callable[[], "RequestRefused"], tuple[()]]:
        make = partial(
            type(self),
            self.problem,
            challenge=self.challenge,
            parameters=dict(self.parameters),
            retry_after=self.retry_after,
            reason=self.reason,
        )
        return make, ()


@contextmanager
def refusing(problems: Problems) -> Iterator[None]:
    """Turn the errors in `problems` into `RequestRefused`, as `refuse` does."""
    try:
        yield
    except GatepassError as error:
        refuse(error, problems)


def refuse(error: GatepassError, problems: Problems) -> NoReturn:
    """Raise `RequestRefused` for an error in `problems`, and any other error itself.

    Other errors are faults of the application (claims that may not be signed, for example), and
    must not be blamed on the client.
    """
    problem = find_problem(error, problems)
    if problem is None:
        raise error
    raise RequestRefused(problem, retry_after=find_retry_after(error)) from error


def find_retry_after(error: Exception) -> int | None:
    """The seconds that an error of the store names, after which repeating may help."""
    return error.retry_after if isinstance(error, StoreUnavailable) else None


def find_problem(error: GatepassError, problems: Problems) -> Problem | None:
    """The row of the error's nearest class; `None` when `problems` has none."""
    return next((problems[kind] for kind in type(error).__mro__ if kind in problems), None)
