"""A request that a proxy asks about: its method and URI come in headers of the proxy's own.

Only one dialect counts, and only from trusted proxies. A method that is missing or doubled counts
as unsafe.
"""

from collections.abc import Sequence
from typing import Final, NoReturn
from urllib.parse import parse_qsl

from gatepass.http.problems import INVALID_REQUEST, RequestRefused
from gatepass.http.proxies import TrustedProxies
from gatepass.http.request_adapters import HttpRequest
from gatepass.http.requirement import Requirement

DIALECTS: Final = {
    "nginx": ("x-original-method", "x-original-uri"),
    "caddy": ("x-forwarded-method", "x-forwarded-uri"),
}
"""The headers in which each proxy names the method and the URI of the request."""
_UPGRADES: Final = ("upgrade", "sec-websocket-key", "sec-websocket-version")
"""Proxies drop `Upgrade`; browsers send the others with every handshake of a websocket."""
_MAX_FIELDS: Final = 32


class ProxiedRequest:
    """The request behind a sub-request of a proxy; headers are those of the sub-request."""

    __slots__ = ("_request", "_uri", "method")

    def __init__(self, request: HttpRequest, dialect: str, proxies: TrustedProxies) -> None:
        method, uri = DIALECTS[dialect]
        is_told = proxies.trusts(request.peer)
        self._request = request
        self.method = (_single(request.header(method)) if is_told else None) or ""
        self._uri = _single(request.header(uri)) if is_told else None

    @property
    def scheme(self) -> str:
        """`ws` for an upgrade, which needs an allowed origin as a websocket does."""
        if any(self._request.header(name) for name in _UPGRADES):
            return "ws"
        return self._request.scheme

    @property
    def path(self) -> str:
        """See `HttpRequest.path`: that of the sub-request."""
        return self._request.path

    @property
    def root_path(self) -> str:
        """See `HttpRequest.root_path`."""
        return self._request.root_path

    @property
    def query(self) -> str:
        """See `HttpRequest.query`: that of the sub-request."""
        return self._request.query

    @property
    def peer(self) -> str:
        """See `HttpRequest.peer`."""
        return self._request.peer

    def header(self, name: str) -> list[str]:
        """See `HttpRequest.header`."""
        return self._request.header(name)

    def names(self) -> Sequence[str]:
        """See `HttpRequest.names`."""
        return self._request.names()

    def requirement(self) -> Requirement:
        """The requirement in the query, which the proxy's configuration wrote and no client.

        Caddy keeps the client's query where its configuration names none: such a query is that of
        the original URI, too.

        Raises:
            RequestRefused: The query is not `scope=`, `role=` and `kind=`, or may be the client's.
        """
        query = self.query
        if not query:
            return Requirement(kinds=("session",))
        if self._uri is None:
            _refuse("no trusted proxy named the original URI, so the query may be the client's")
        if self._uri.partition("?")[2] == query:
            _refuse("the query is the client's: in Caddy write uri /auth/verify? with the ?")
        return parse_requirement(query)


def parse_requirement(query: str) -> Requirement:
    """The requirement in a query such as `scope=a+b&role=x`.

    All scopes are required, and one of the roles. API keys pass only with `kind=key` or
    `kind=session+key`, since the application knows nothing of them otherwise.

    Raises:
        RequestRefused: The query has another name or kind, or an empty value, or `kind=key`
            without a scope.
    """
    try:
        pairs = parse_qsl(
            query,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        _refuse("the query is not one of names and values")
    found: dict[str, list[str]] = {"scope": [], "role": [], "kind": []}
    for name, value in pairs:
        if name not in found or not value.strip():
            _refuse("the query has something else than scope=, role= and kind=, or an empty one")
        found[name] += [value] if name == "role" else value.split()
    if not {*found["kind"]} <= {"session", "key"}:
        _refuse("each kind is session or key, as in kind=session+key")
    if "key" in found["kind"] and not found["scope"]:
        _refuse("kind=key needs scope=")
    return Requirement(
        found["scope"] or None, found["role"] or None, kinds=found["kind"] or ("session",)
    )


def _single(values: Sequence[str]) -> str | None:
    """The one value of a header; WSGI joins two methods with a comma, and neither is safe then."""
    return values[0] if len(values) == 1 else None


def _refuse(reason: str) -> NoReturn:
    raise RequestRefused(INVALID_REQUEST, reason=f"the gate for proxies: {reason}")
