"""`Guard`: decides whether a request may pass. It runs before every protected route.

`check` and `acheck` are twins that differ by `await`.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from gatepass.errors import GatepassError, TokenMalformed
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
from gatepass.http.csrf import CSRF_HEADER
from gatepass.tokens import AccessClaims
from gatepass.tokens.opaque import KEY_PREFIX

_NO_STORE: Final = (
    "an API key is checked in the store by a manager, and this service has a verifier without one"
)
_CSRF: Final = CSRF_HEADER.lower()
AnyVerify = Callable[[str | None], Any]
"""`verify` of a manager or verifier: claims, or an awaitable of them."""


class Guard:
    """Finds a request's access token, verifies it and checks the route's requirement.

    The header has priority over the cookie; a token in the query string is ignored.
    """

    __slots__ = (
        "_cookie",
        "_csrf_keys",
        "_now",
        "_origins",
        "_rejections",
        "_verify",
        "_verify_key",
    )

    def __init__(
        self,
        verify: AnyVerify,
        policy: HttpPolicy,
        csrf_keys: Callable[[], Iterable[bytes]],
        now: Callable[[], float],
        verify_key: AnyVerify | None = None,
    ) -> None:
        self._verify = verify
        self._verify_key = verify_key
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
            try:
                claims: AccessClaims = self._verify(token)
            except TokenMalformed as malformed:  # all that a request with a JWT pays for keys
                verify_key = self._find_verify_key(token, requirement, malformed, by_cookie)
                claims = verify_key(token)
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
            try:
                claims: AccessClaims = await self._verify(token)
            except TokenMalformed as malformed:
                verify_key = self._find_verify_key(token, requirement, malformed, by_cookie)
                claims = await verify_key(token)
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
            kind=claims.kind,
        )

    def _find_verify_key(
        self,
        token: str | None,
        requirement: Requirement,
        malformed: TokenMalformed,
        by_cookie: bool,  # noqa: FBT001 - of this module
    ) -> AnyVerify:
        """`verify_key`, if the text that `verify` rejected may be an API key here.

        Raises:
            TokenMalformed: The text begins as no key, came in a cookie, or nobody can check keys.
            RequestRefused: The route takes no keys; no call of the store was made.
        """
        if token is None or by_cookie or not token.startswith(KEY_PREFIX):
            raise malformed
        requirement.require_kind("key")
        if self._verify_key is None:
            raise TokenMalformed(_NO_STORE)
        return self._verify_key

    def _conclude(
        self,
        request: HttpRequest,
        claims: AccessClaims,
        requirement: Requirement,
        *,
        by_cookie: bool,
    ) -> None:
        if by_cookie and (request.method not in SAFE_METHODS or request.header(_CSRF)):
            # A page that sends its token with a safe method, too, never reads the answer to
            # another user who has logged in meanwhile.
            require_csrf_token(request, self._csrf_keys(), claims.session_id)
        if requirement.asks:
            self.require(claims, requirement)


def _needs_origin(request: HttpRequest) -> bool:
    """Unsafe methods, and websockets: browsers let any page open one and read it."""
    return request.method not in SAFE_METHODS or request.scheme in {"ws", "wss"}
