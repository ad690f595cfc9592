"""`HttpPolicy`: cookies, origins, https and proxies of one service, and the headers for them."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from gatepass.errors import SettingsRejected
from gatepass.http.answers import Answer, Headers, answer_refused
from gatepass.http.cookies import Cookies
from gatepass.http.cors import (
    VARY,
    answer_preflight,
    cors_headers,
    explain_preflight,
    is_preflight,
)
from gatepass.http.https import Https
from gatepass.http.kinds import require
from gatepass.http.origins import is_origin_below, parse_origins
from gatepass.http.problems import RequestRefused
from gatepass.http.proxies import TrustedProxies
from gatepass.http.request_adapters import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """How a service is reached; by default over http and https, with tokens in headers only.

    Raises:
        SettingsRejected: A value is out of bounds.
    """

    cookies: Cookies | None = None
    """Takes tokens from cookies too, and sets them if a login asks for it."""
    public_origins: Collection[str] = ()
    """Origins of this service's own pages, which may act with cookies; cookies need some.

    They may read the answers of the auth routes, with cookies (CORS).
    """
    allowed_origins: Collection[str] = ()
    """Origins whose pages may read all answers (CORS); with cookies if they are public too."""
    https: Https | None = None
    """Requires https; `None` does not, and is for development or a proxy that requires it."""
    trusted_proxies: Collection[str] = ()
    """Addresses and networks whose `X-Forwarded-*` headers count; `unix` is a socket file."""
    proxies: TrustedProxies = field(init=False)

    def __post_init__(self) -> None:
        keep = object.__setattr__
        keep(self, "public_origins", parse_origins("public_origins", self.public_origins))
        keep(self, "allowed_origins", parse_origins("allowed_origins", self.allowed_origins))
        require("trusted_proxies", self.trusted_proxies, Iterable)
        keep(self, "proxies", TrustedProxies(self.trusted_proxies))
        for name, kind in (("cookies", Cookies), ("https", Https)):
            if not isinstance(getattr(self, name), kind | None):
                raise SettingsRejected(f"{name} are made by {kind.__name__}(…), or None")
        if self.cookies is not None and not self.public_origins:
            raise SettingsRejected(
                "cookies need public_origins, where your own pages come from: without them no "
                "page could log in or change anything"
            )
        domain = None if self.cookies is None else self.cookies.share_with_subdomains_of
        if domain and not any(is_origin_below(each, domain) for each in self.public_origins):
            raise SettingsRejected(
                f"a cookie domain holds your own pages: none of public_origins is {domain} or "
                "below it, so browsers would keep no cookie of theirs"
            )

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to intercept and no header to add."""
        return self.https is None and not self.allowed_origins

    def intercept(self, request: HttpRequest) -> Answer | None:
        """The answer to a request that goes no further; `None` lets it pass."""
        try:
            return self.screen(request)
        except RequestRefused as refused:
            return answer_refused(refused)

    def screen(self, request: HttpRequest, *, for_proxy: bool = False) -> Answer | None:
        """The same, with refusals raised.

        A preflight over plain http is rejected too: the request it asks about would be. A proxy
        that asks whether a request may pass would take the answer to a preflight for yes, and a
        redirect would name the path of its question: it gets refusals only.

        Raises:
            RequestRefused: The request came over http and is not harmless.
        """
        if self.https is not None:
            answer = self.https.intercept(
                request, self.proxies, has_credentials=for_proxy or self._has_credentials(request)
            )
            if answer is not None:
                return answer
        if for_proxy:
            return None
        if self.allowed_origins and is_preflight(request) and not self._is_for_auth(request):
            return answer_preflight(request, self.allowed_origins, self.public_origins)
        return None

    def headers(self, request: HttpRequest) -> tuple[tuple[str, str], ...]:
        """The headers to add to every answer, the intercepted ones included."""
        added: tuple[tuple[str, str], ...] = ()
        if self.https is not None:
            added += self.https.headers(request, self.proxies)
        if self.allowed_origins and not is_preflight(request):
            added += (*cors_headers(request, self.allowed_origins, self.public_origins), VARY)
        return added

    def headers_of_auth(self, request: HttpRequest) -> Headers:
        """The headers of the auth routes besides: pages of public origins may read their answers.

        Caches store none of these answers, so that they need no `Vary`.
        """
        return cors_headers(request, self.public_origins, self.public_origins)

    def preflight_of_auth(self, request: HttpRequest) -> Answer:
        """The answer of the auth routes to a preflight; empty for unknown origins.

        It is never an error, so that another layer can still add the headers of its own origins.
        """
        known = {*self.public_origins, *self.allowed_origins}
        return answer_preflight(request, known, self.public_origins)

    def explain_preflight(
        self, request: HttpRequest, told: Callable[[str], str | None]
    ) -> str | None:
        """The reason why browsers reject the answer to a preflight, with the cure; else `None`.

        Args:
            request: Any request.
            told: Finds a header of its answer, whichever layer of the application added it.
        """
        if not is_preflight(request):
            return None
        if self.https is not None and self.proxies.scheme(request) != "https":
            return None  # the log has that reason already
        return explain_preflight(request, told, self.public_origins)

    def _is_for_auth(self, request: HttpRequest) -> bool:
        """Whether the origin may read the answers of the auth routes only."""
        return all(
            origin in self.public_origins and origin not in self.allowed_origins
            for origin in request.header("origin")
        )

    def _has_credentials(self, request: HttpRequest) -> bool:
        """Whether the request may carry a token or a password."""
        names = ("gatepass-access", "gatepass-refresh")
        return bool(request.header("authorization")) or any(
            name in header for header in request.header("cookie") for name in names
        )
