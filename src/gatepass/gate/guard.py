"""`Guard`: decides whether a request may pass. It runs before every protected route.

`check` and `acheck` are twins that differ by `await`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from gatepass.errors import GatepassError
from gatepass.gate.rejections import Rejections
from gatepass.http import (
    ACCESS_PROBLEMS,
    SAFE_METHODS,
    HttpPolicy,
    HttpRequest,
    Requirement,
    find_cookie,
    parse_bearer,
    refuse,
    require_csrf_token,
    require_origin,
)
from gatepass.tokens import AccessClaims

AnyVerify = Callable[[str | None], Any]
"""`verify` of a manager or verifier: claims, or an awaitable of them."""


class Guard:
    """Finds a request's access token, verifies it and checks the route's requirement.

    The header has priority over the cookie; a token in the query string is ignored.
    """

    __slots__ = ("_cookie", "_csrf_keys", "_now", "_origins", "_rejections", "_verify")

    def __init__(
        self,
        verify: AnyVerify,
        policy: HttpPolicy,
        csrf_keys: Callable[[], Iterable[bytes]],
        now: Callable[[], float],
    ) -> None:
        self._verify = verify
        self._cookie = None if policy.cookies is None else policy.cookies.access
        self._origins = policy.public_origins
        self._csrf_keys = csrf_keys
        self._now = now
        self._rejections = Rejections("access")

    def check(
        self, request: HttpRequest, requirement: Requirement, *, optional: bool = False
    ) -> AccessClaims | None:
        """The claims of a token that meets the requirement; `None` only where it is optional.

        Raises:
            RequestRefused: No token was sent, or it does not meet the requirement.
        """
        token, by_cookie = self.find(request)
        if token is None and optional:
            return None
        try:
            claims: AccessClaims = self._verify(token)
        except GatepassError as error:
            self._rejections.note(error)
            refuse(error, ACCESS_PROBLEMS)
        self._rejections.in_a_row = 0
        if by_cookie or requirement.asks:
            self._conclude(request, claims, requirement, by_cookie=by_cookie)
        return claims

    async def acheck(
        self, request: HttpRequest, requirement: Requirement, *, optional: bool = False
    ) -> AccessClaims | None:
        """See `check`."""
        token, by_cookie = self.find(request)
        if token is None and optional:
            return None
        try:
            claims: AccessClaims = await self._verify(token)
        except GatepassError as error:
            self._rejections.note(error)
            refuse(error, ACCESS_PROBLEMS)
        self._rejections.in_a_row = 0
        if by_cookie or requirement.asks:
            self._conclude(request, claims, requirement, by_cookie=by_cookie)
        return claims

    def find(self, request: HttpRequest) -> tuple[str | None, bool]:
        """The request's access token, and whether a cookie brought it.

        Raises:
            RequestRefused: The token was sent twice, or another site's page sent the cookie.
        """
        token = parse_bearer(request.header("authorization"))
        if token is not None or self._cookie is None:
            return token, False
        return self.find_cookie(request)

    def find_cookie(self, request: HttpRequest) -> tuple[str | None, bool]:
        """The access token in a cookie, whatever the header holds; see `find`."""
        token = (
            None if self._cookie is None else find_cookie(request.header("cookie"), self._cookie)
        )
        if token is None:
            return None, False
        if _needs_origin(request):
            require_origin(request, self._origins)
        return token, True

    def require_own_page(self, request: HttpRequest, session_id: str | None) -> None:
        """Return when a request with cookies was made by one of our pages, for this session.

        Raises:
            RequestRefused: Another page made the request, or it does not prove its session.
        """
        require_origin(request, self._origins)
        require_csrf_token(request, self._csrf_keys(), session_id)

    def require(self, claims: AccessClaims, requirement: Requirement) -> None:
        """Return when verified claims meet the requirement.

        Raises:
            RequestRefused: The claims do not meet it.
        """
        requirement.check(
            claims,
            scopes=claims.scopes,
            roles=claims.roles,
            auth_time=claims.auth_time,
            now=self._now(),
        )

    def _conclude(
        self,
        request: HttpRequest,
        claims: AccessClaims,
        requirement: Requirement,
        *,
        by_cookie: bool,
    ) -> None:
        if by_cookie and request.method not in SAFE_METHODS:
            require_csrf_token(request, self._csrf_keys(), claims.session_id)
        if requirement.asks:
            self.require(claims, requirement)


def _needs_origin(request: HttpRequest) -> bool:
    """Unsafe methods, and websockets: browsers let any page open one and read it."""
    return request.method not in SAFE_METHODS or request.scheme in {"ws", "wss"}
