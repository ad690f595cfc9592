"""The site that a browser's request comes from, and whether that is one of ours; text only.

The `Host` header gives no rights: the sender of the request chooses it.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

from gatepass.errors import SettingsRejected
from gatepass.http.kinds import texts
from gatepass.http.problems import CSRF_FAILED, RequestRefused
from gatepass.http.request_adapters import HttpRequest

_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?", re.ASCII)
_SITES: Final = frozenset({"cross-site", "same-site", "none"})
_MAX_SHOWN: Final = 100
_CURE: Final = 'str(url).rstrip("/")'
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def parse_origins(name: str, origins: Iterable[str]) -> frozenset[str]:
    """Origins as browsers write them (RFC 6454 §6.2): small letters, no default port.

    Raises:
        SettingsRejected: A text is no origin: a wildcard, say, or with a path.
    """
    return frozenset(_parse_origin(name, origin) for origin in texts(name, origins, cure=_CURE))


def _parse_origin(name: str, origin: str) -> str:
    text = origin.strip().lower()
    match = _ORIGIN.fullmatch(text)
    if match is None and _ORIGIN.fullmatch(text.rstrip("/")):
        raise SettingsRejected(f"{name}: write {text.rstrip('/')}, without the / at its end")
    if match is None:
        raise SettingsRejected(f"{name} are written as https://app.example.com, without a path")
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" + (f":{port}" if port not in {None, _DEFAULT_PORTS[scheme]} else "")


def is_loopback_origin(origin: str) -> bool:
    """Whether only the machine that the browser runs on can be behind this origin."""
    host = _host_of(origin)
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return f".{host}".endswith(".localhost")


def is_origin_below(origin: str, domain: str) -> bool:
    """Whether the host of this origin is the domain or below it."""
    return f".{_host_of(origin)}".endswith(f".{domain}")


def _host_of(origin: str) -> str:
    host = origin.partition("://")[2]
    return re.sub(r":\d+$", "", host).strip("[]")


def require_origin(request: HttpRequest, allowed: Collection[str]) -> None:
    """Return when a browser says that the request comes from an allowed origin.

    `Origin` decides if it is given; else `Sec-Fetch-Site` must be `same-origin` (Fetch
    Metadata). A request with neither does not come from a browser that could be trusted with
    cookies.

    Raises:
        RequestRefused: The request comes from another origin, or has neither header.
    """
    origins = request.header("origin")
    if origins:
        if len(origins) == 1 and origins[0] in allowed:
            return
    elif request.header("sec-fetch-site") == ["same-origin"]:
        return
    raise RequestRefused(CSRF_FAILED, reason=_explain(request, origins, allowed))


def require_no_foreign_page(request: HttpRequest, allowed: Collection[str], host: str) -> None:
    """Return unless a browser says that a page of another site sent the request.

    Programs send neither `Origin` nor `Sec-Fetch-Site`, and pass. Over plain http browsers send
    `Origin` alone: then it must name the host of the request.

    Raises:
        RequestRefused: A page sent the request that is neither of the same origin nor allowed.
    """
    origins, site = request.header("origin"), request.header("sec-fetch-site")
    if site in (["same-origin"], ["none"]) or not (origins or site):
        return
    if len(origins) == 1:
        is_same_host = not site and origins[0].partition("://")[2] == host
        if origins[0] in allowed or is_same_host:
            return
    raise RequestRefused(CSRF_FAILED, reason=_explain(request, origins, allowed))


def show_origin(origins: Sequence[str]) -> str:
    """The origin that a page sent, for a log line; only if it has the form of an origin."""
    shown = origins[0] if len(origins) == 1 and len(origins[0]) <= _MAX_SHOWN else ""
    return shown if _ORIGIN.fullmatch(shown) or shown == "null" else "(of no origin's form)"


def _explain(request: HttpRequest, origins: list[str], allowed: Collection[str]) -> str:
    """Why the origin was rejected; repeats only texts that have the form of an origin."""
    if len(origins) > 1:
        return "Origin is given twice"
    if origins and not allowed:
        return "there are no public_origins that could be the page's"
    if origins:
        return f"the page's origin {show_origin(origins)} is not among public_origins"
    told = "".join(request.header("sec-fetch-site")[:1])
    if not told:
        return "there is neither Origin nor Sec-Fetch-Site: no browser sent this, or a proxy cut it"
    return f"there is no Origin, and Sec-Fetch-Site is {told if told in _SITES else 'unknown'}"
