"""What an answer of the table looks like on the wire."""

import httpx

TABLE = {
    "token_missing": (401, "Access token required", ""),
    "token_expired": (401, "Token expired", "invalid_token"),
    "token_revoked": (401, "Token has been revoked", "invalid_token"),
    "token_invalid": (403, "Invalid token", "invalid_token"),
    "invalid_credentials": (401, "Invalid credentials", ""),
    "refresh_missing": (401, "Refresh token required", ""),
    "refresh_invalid": (401, "Invalid refresh token", ""),
    "refresh_expired": (401, "Refresh token expired", ""),
    "refresh_revoked": (401, "Refresh token has been revoked", ""),
    "refresh_reused": (401, "Refresh token was already used", ""),
    "insufficient_scope": (403, "Insufficient scope", "insufficient_scope"),
    "insufficient_user_authentication": (
        401,
        "Fresh login required",
        "insufficient_user_authentication",
    ),
    "session_unknown": (404, "No such session", None),
    "invalid_request": (400, "Invalid request", None),
    "rate_limited": (429, "Too many attempts", None),
    "store_unavailable": (503, "Temporarily unavailable", None),
}


def assert_refused(
    response: httpx.Response,
    code: str,
    *,
    challenge: str | None = None,
    parameters: str = "",
    retry_after: str | None = None,
    status: int | None = None,
) -> None:
    """The answer is the table's: status, exact body, and exactly the headers that are due."""
    row_status, error, row_challenge = TABLE[code]
    challenge = row_challenge if challenge is None else challenge
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if challenge is not None:
        described = f'Bearer error="{challenge}", error_description="{error}"{parameters}'
        headers["www-authenticate"] = described if challenge else "Bearer"
    if code in {"rate_limited", "store_unavailable"}:
        headers["retry-after"] = retry_after or "2"
    body = f'{{"error":"{error}","code":"{code}"}}'.encode()
    headers["content-length"] = str(len(body))

    assert response.status_code == (status or row_status), response.text
    assert response.content == body
    assert dict(response.headers) == headers


def assert_unstored(response: httpx.Response, status: int = 200) -> None:
    """A success that nobody may store."""
    assert response.status_code == status, response.text
    assert response.headers["cache-control"] == "no-store"
