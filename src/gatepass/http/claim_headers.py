"""Claims as headers for an application behind a proxy, and headers that only pretend to be."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from gatepass.errors import SettingsRejected
from gatepass.http.answers import Headers
from gatepass.http.kinds import require
from gatepass.http.problems import INTERNAL_ERROR, INVALID_REQUEST, RequestRefused
from gatepass.http.request_adapters import HttpRequest

SUBJECT_HEADER: Final = "X-Auth-Subject"
KIND_HEADER: Final = "X-Auth-Kind"
"""`session` or `key`, in every answer, so that nobody takes a client's own for the gate's."""
MAX_HEADERS: Final = 3_072
"""Bytes of all these headers: with those of the server, less than the 4 KiB that nginx reads."""
_NAME: Final = re.compile(r"X-Auth-[A-Za-z0-9]+(-[A-Za-z0-9]+)*", re.ASCII)
_AS_CGI: Final = {ord(mark): "-" for mark in "!#$%&'*+.^_`|~"}
"""Marks in header names that one server or another writes as CGI's `_`, as it does `-`."""


def require_claim_headers(headers: object) -> dict[str, str]:
    """Names of claims by header, with `X-Auth-Subject` for `sub` before them.

    Raises:
        SettingsRejected: A header does not begin with `X-Auth-`, is there twice, or is
            `X-Auth-Kind`.
    """
    require("headers", headers, Mapping)
    assert isinstance(headers, Mapping)  # noqa: S101 - for the type checker
    found: dict[str, str] = {SUBJECT_HEADER: "sub"}
    for name, claim in headers.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise SettingsRejected("a proxy header is written as X-Auth-Role")
        if name.lower() == KIND_HEADER.lower():
            raise SettingsRejected(f"{KIND_HEADER} is the header of session or key, and no claim")
        if not isinstance(claim, str) or not claim:
            raise SettingsRejected(f"the proxy header {name} names no claim")
        known = {each.lower(): held for each, held in found.items()}.get(name.lower())
        if known is not None and (name, claim) != (SUBJECT_HEADER, "sub"):
            raise SettingsRejected(f"the proxy header {name} is there twice")
        found[name] = claim
    return found


def claim_headers(claims: Mapping[str, Any], named: Mapping[str, str]) -> Headers:
    """Every named header with its claim, percent-encoded; empty where the claim is absent."""
    return tuple((name, encode_claim(claims.get(claim))) for name, claim in named.items())


def encode_claim(value: object) -> str:
    """A claim as the value of a header: all but letters, digits and `-._~` percent-encoded.

    Members of a list are encoded one by one, with commas between them. Other values than texts are
    JSON; null is empty, as an absent claim.
    """
    if isinstance(value, list):
        return ",".join(map(_encode, value))
    return "" if value is None else _encode(value)


def _encode(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    # Half a surrogate pair, of another maker's token, stays different from every other text.
    return quote(text, safe="", errors="surrogatepass")


def require_small(headers: Headers) -> None:
    """Return when a proxy can read these headers.

    Raises:
        RequestRefused: The headers are too long: name fewer claims.
    """
    if sum(len(name) + len(value) + len(": \r\n") for name, value in headers) > MAX_HEADERS:
        raise RequestRefused(
            INTERNAL_ERROR,
            reason=f"the claims in headers for proxies are longer than {MAX_HEADERS} bytes",
        )


def require_no_pretended(request: HttpRequest, named: Iterable[str]) -> None:
    """Return unless the client itself sent one of these headers, in any spelling.

    CGI and WSGI read `X_Auth_Subject` as `X-Auth-Subject`, so that a proxy that replaces only one
    of them would pass the other on.

    Raises:
        RequestRefused: Such a header is there.
    """
    ours = {name.lower() for name in named}
    for name in request.names():
        if name.translate(_AS_CGI) in ours:
            reason = "the request brings a header of the gate for proxies, in some spelling"
            raise RequestRefused(INVALID_REQUEST, reason=reason)
