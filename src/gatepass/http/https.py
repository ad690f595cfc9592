"""Plain http in production: harmless requests are redirected to https, all others rejected.

A client that sent a password or a token in the clear must notice; a redirect would hide it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from gatepass.errors import SettingsRejected
from gatepass.http.answers import NO_STORE, Answer
from gatepass.http.kinds import texts
from gatepass.http.problems import HTTPS_REQUIRED, RequestRefused
from gatepass.http.proxies import TrustedProxies
from gatepass.http.request_adapters import HttpRequest

_YEAR: Final = 365 * 86_400
_MAX_HSTS: Final = 100 * _YEAR
_SAFE_IN_PATH: Final = "/:@!$&'()*+,;=~"
_SAFE_IN_QUERY: Final = "/?:@!$&'()*+,;=~%[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Https:
    """Requires https, as a production service does.

    Raises:
        SettingsRejected: A text in `allowed_hosts` is no host.
    """

    allowed_hosts: Collection[str] = ()
    """Hosts, with their port unless it is 443, that a redirect may name; others are rejected."""
    exempt_paths: Collection[str] = ("/healthz", "/readyz")
    """Paths for load balancers, answered over plain http too."""
    hsts_seconds: timedelta | int = _YEAR
    """Time for which browsers insist on https (RFC 6797 §6.1.1); 0 sends no header."""

    def __post_init__(self) -> None:
        hosts = tuple(host.strip().lower() for host in texts("allowed_hosts", self.allowed_hosts))
        if any(not host or set(host) & set("/\\@?#*, \t\r\n") for host in hosts):
            raise SettingsRejected("an allowed host is written as app.example.com")
        paths = texts("exempt_paths", self.exempt_paths)
        if not all(path.startswith("/") for path in paths):
            raise SettingsRejected("an exempt path is written as /healthz")
        object.__setattr__(self, "allowed_hosts", hosts)
        object.__setattr__(self, "exempt_paths", paths)
        object.__setattr__(self, "hsts_seconds", _whole_seconds(self.hsts_seconds))

    def intercept(
        self, request: HttpRequest, proxies: TrustedProxies, *, has_credentials: bool
    ) -> Answer | None:
        """The redirect for a harmless request over http; `None` lets the request pass.

        Raises:
            RequestRefused: The request came over http and is not harmless.
        """
        if proxies.scheme(request) == "https" or request.path in self.exempt_paths:
            return None
        host = proxies.host(request).removesuffix(":80")
        harmless = request.method in {"GET", "HEAD"} and not has_credentials
        # A target such as "@evil.example" would make the allowed host the user name of another.
        harmless = harmless and request.path.startswith("/")
        if not harmless or request.scheme in {"ws", "wss"} or host not in self.allowed_hosts:
            reason = self._explain(request, proxies, host, has_credentials=has_credentials)
            raise RequestRefused(HTTPS_REQUIRED, reason=reason)
        return Answer(308, (("Location", f"https://{host}{_target(request)}"), NO_STORE))

    def _explain(
        self, request: HttpRequest, proxies: TrustedProxies, host: str, *, has_credentials: bool
    ) -> str:
        """The reason why a request was neither answered nor redirected."""
        if request.header("x-forwarded-proto") and not proxies.trusts(request.peer):
            if proxies.is_replaced(request):
                return (
                    "it came over http, and the server before gatepass has replaced the proxy's "
                    "address by the client's: start uvicorn with --no-proxy-headers, gunicorn "
                    "with --forwarded-allow-ips ''"
                )
            peer = request.peer or "unix"
            return f"it came over http, and {peer}, which says more, is not among trusted_proxies"
        if has_credentials:
            return "credentials came over http"
        if request.method not in {"GET", "HEAD"} or request.scheme in {"ws", "wss"}:
            return "it came over http, and only GET and HEAD move to https"
        if host not in self.allowed_hosts:
            return "it came over http, and its host is not among allowed_hosts"
        return "it came over http, and its target is no path"

    def headers(self, request: HttpRequest, proxies: TrustedProxies) -> tuple[tuple[str, str], ...]:
        """`Strict-Transport-Security` on answers over https; browsers ignore it on others."""
        if not self.hsts_seconds or proxies.scheme(request) != "https":
            return ()
        return (("Strict-Transport-Security", f"max-age={self.hsts_seconds}"),)


def _whole_seconds(value: object) -> int:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        whole = int(seconds) if 0 <= seconds < _MAX_HSTS else None
        if whole == seconds:
            return whole
    raise SettingsRejected("hsts_seconds is a timedelta or whole seconds, 0 to 100 years")


def _target(request: HttpRequest) -> str:
    """Path and query in characters that cannot end a header."""
    path = quote(request.path, safe=_SAFE_IN_PATH)
    query = quote(request.query.encode("latin-1", "replace"), safe=_SAFE_IN_QUERY)
    return f"{path}?{query}" if query else path
