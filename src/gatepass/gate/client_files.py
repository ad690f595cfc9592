"""The client for browsers, `client/gatepass.js`, as the auth routes serve it."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from gatepass.http import Answer, HttpRequest

_SCRIPT: Final = (Path(__file__).parent / "client" / "gatepass.js").read_bytes()
_HASH: Final = sha256(_SCRIPT).hexdigest()[:16]
_TAG: Final = f'"{_HASH}"'
_HEADERS: Final = (
    ("Content-Type", "text/javascript; charset=utf-8"),
    ("ETag", _TAG),
    ("Vary", "Origin"),  # pages of `public_origins` import it from another host
    ("X-Content-Type-Options", "nosniff"),
)
CLIENT_SCRIPT: Final = f"client.{_HASH}.js"
"""The name of the version of this release: caches keep it for ever."""


async def answer_client(_: object, request: HttpRequest, *__: object) -> Answer:
    """The newest version: caches ask whether theirs is still that one (RFC 9110 §13.1.2)."""
    headers = (*_HEADERS, ("Cache-Control", "public, no-cache"))
    known = [tag.strip() for each in request.header("if-none-match") for tag in each.split(",")]
    if {"*", _TAG, f"W/{_TAG}"} & {*known}:
        return Answer(304, headers[1:])  # without the kind of a body that is not there
    return Answer(200, headers, _SCRIPT)


async def answer_client_version(*_: object) -> Answer:
    """The version of this release, under its own name."""
    return Answer(
        200, (*_HEADERS, ("Cache-Control", "public, max-age=31536000, immutable")), _SCRIPT
    )
