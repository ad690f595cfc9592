"""What an answer of the table looks like on the wire."""

import httpx

from tests.web.rows.row import REFUSALS


def assert_refused(
    response: httpx.Response,
    code: str,
    *,
    retry_after: str | None = None,
) -> None:
    """The answer is the table's: status, exact body, and exactly the headers that are due."""
    status, error, challenge = REFUSALS[code]
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if challenge is not None:
        described = f'Bearer error="{challenge}", error_description="{error}"'
        headers["www-authenticate"] = described if challenge else "Bearer"
    if code in {"rate_limited", "store_unavailable"}:
        headers["retry-after"] = retry_after or "2"
    body = f'{{"error":"{error}","code":"{code}"}}'.encode()
    headers["content-length"] = str(len(body))

    assert response.status_code == status, response.text
    assert response.content == body
    assert dict(response.headers) == headers


def assert_unstored(response: httpx.Response, status: int = 200) -> None:
    """A success that nobody may store."""
    assert response.status_code == status, response.text
    assert response.headers["cache-control"] == "no-store"
