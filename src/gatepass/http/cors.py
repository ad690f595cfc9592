"""Cross-origin requests of browsers: which origins may read answers (Fetch standard, §3.3)."""

from collections.abc import Collection
from typing import Final

from gatepass.http.answers import Answer
from gatepass.http.csrf import CSRF_HEADER
from gatepass.http.request_adapters import HttpRequest

_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
_HEADERS: Final = f"Authorization, Content-Type, {CSRF_HEADER}"
_EXPOSED: Final = "WWW-Authenticate, Retry-After"
_CACHE_SECONDS: Final = 600
_VARY: Final = ("Vary", "Origin")


def is_preflight(request: HttpRequest) -> bool:
    """Whether this is a preflight of CORS, which browsers send without credentials."""
    return (
        request.method == "OPTIONS"
        and bool(request.header("origin"))
        and bool(request.header("access-control-request-method"))
    )


def answer_preflight(
    request: HttpRequest, allowed: Collection[str], with_cookies: Collection[str]
) -> Answer:
    """A 204 with the methods and headers that an allowed origin may send; empty for others."""
    shared = cors_headers(request, allowed, with_cookies)
    if len(shared) > 1:
        shared = (
            *(pair for pair in shared if pair[0] != "Access-Control-Expose-Headers"),
            ("Access-Control-Allow-Methods", _METHODS),
            ("Access-Control-Allow-Headers", _HEADERS),
            ("Access-Control-Max-Age", str(_CACHE_SECONDS)),
        )
    return Answer(204, shared)


def cors_headers(
    request: HttpRequest, allowed: Collection[str], with_cookies: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """The headers with which pages of allowed origins can read an answer.

    Args:
        request: The request that is answered.
        allowed: Origins whose pages may read answers.
        with_cookies: Origins whose pages may send cookies besides.
    """
    origins = request.header("origin")
    if len(origins) != 1 or origins[0] not in allowed:
        return (_VARY,)
    credentials = (
        (("Access-Control-Allow-Credentials", "true"),) if origins[0] in with_cookies else ()
    )
    return (
        ("Access-Control-Allow-Origin", origins[0]),
        *credentials,
        ("Access-Control-Expose-Headers", _EXPOSED),
        _VARY,
    )
