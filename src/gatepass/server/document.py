"""The server's own words in its OpenAPI document."""

from importlib.metadata import version
from typing import Any, Final

Responses = dict[int | str, dict[str, Any]]

ABOUT: Final[dict[str, Any]] = {
    "title": "gatepass",
    "version": version("gatepass"),
    "description": (
        "Sign-in tokens. Log in with **Authorize**, then try the routes: the page sends the "
        "access token.\n\nA rejected request is answered with `error`, a sentence for people, and "
        "`code`, for programs."
    ),
    "openapi_tags": [
        {"name": "auth", "description": "Login, refresh, logout, sessions and public keys"},
        {"name": "health", "description": "Probes, answered without a token"},
    ],
}


def _status(description: str, status: str) -> dict[str, Any]:
    content = {"schema": {"type": "object"}, "example": {"status": status}}
    return {"description": description, "content": {"application/json": content}}


RUNS: Final[Responses] = {200: _status("The process runs", "ok")}
READY: Final[Responses] = {
    200: _status("Ready", "ready"),
    503: _status("Not ready: the other members name the parts", "not ready"),
}
