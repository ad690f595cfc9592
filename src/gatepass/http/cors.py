"""Cross-origin requests of browsers: which origins may read answers (Fetch standard, §3.3)."""

from collections.abc import Callable, Collection
from typing import Final

from gatepass.http.answers import Answer, Headers
from gatepass.http.csrf import CSRF_HEADER
from gatepass.http.origins import show_origin
from gatepass.http.request_adapters import HttpRequest

_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
_HEADERS: Final = f"Authorization, Content-Type, {CSRF_HEADER}"
_EXPOSED: Final = "WWW-Authenticate, Retry-After"
_CACHE_SECONDS: Final = 600
VARY: Final = ("Vary", "Origin")
"""The header of every answer that may be another one for another origin."""


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
    if shared:
        shared = (
            *(pair for pair in shared if pair[0] != "Access-Control-Expose-Headers"),
            ("Access-Control-Allow-Methods", _METHODS),
            ("Access-Control-Allow-Headers", _HEADERS),
            ("Access-Control-Max-Age", str(_CACHE_SECONDS)),
        )
    return Answer(204, (*shared, VARY))


def cors_headers(
    request: HttpRequest, allowed: Collection[str], with_cookies: Collection[str]
) -> Headers:
    """The headers with which pages of allowed origins can read an answer.

    Args:
        request: The request that is answered.
        allowed: Origins whose pages may read answers.
        with_cookies: Origins whose pages may send cookies besides.
    """
    origins = request.header("origin")
    if len(origins) != 1 or origins[0] not in allowed:
        return ()
    credentials = (
        (("Access-Control-Allow-Credentials", "true"),) if origins[0] in with_cookies else ()
    )
    return (
        ("Access-Control-Allow-Origin", origins[0]),
        *credentials,
        ("Access-Control-Expose-Headers", _EXPOSED),
    )


def explain_preflight(
    request: HttpRequest, told: Callable[[str], str | None], public: Collection[str]
) -> str | None:
    """See `HttpPolicy.explain_preflight`."""
    origins = request.header("origin")
    if told("access-control-allow-origin") not in {"*", *origins[:1]}:
        if len(origins) == 1 and origins[0] in public:
            return (
                f"public_origins lets {origins[0]} read the auth routes only: for this route name "
                "it in allowed_origins (GATEPASS_ALLOWED_ORIGINS) too"
            )
        return (
            f"the page's origin {show_origin(origins)} is not among public_origins "
            "(GATEPASS_PUBLIC_ORIGINS): name it there if the page is yours, and in allowed_origins "
            "(GATEPASS_ALLOWED_ORIGINS) if it reads other routes than those of gatepass"
        )
    allowed = told("access-control-allow-headers") or ""
    sent = _names(",".join(request.header("access-control-request-headers")))
    if allowed == "*" or sent <= _names(allowed):
        return None
    return f"the page sends a header that is none of {allowed or '(none)'}: leave it out"


def _names(header: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in header.split(",") if name.strip())
