"""The session of the cookies that a browser sends, also when its access token has expired.

1. A JWT in the access cookie proves its session by its signature, however old it is.
2. A store forgets an opaque token some time after its end, and the access cookie stays as long as
   the refresh cookie. So the refresh cookie proves the session, if the CSRF cookie is of the same
   session. A sub-domain can plant a refresh cookie of another session, and no CSRF cookie: browsers
   take a `__Host-` cookie from its own host only, as they do the access cookie.
3. If these two cookies prove nothing, the store says whose the opaque token is.
"""

import hmac
from collections.abc import Callable, Mapping

from gatepass._maybe_await import settle
from gatepass.errors import StoreUnavailable, TokenError
from gatepass.gate.guard import Guard
from gatepass.http import (
    REFRESH_PROBLEMS,
    Cookies,
    HttpRequest,
    RequestRefused,
    csrf_token,
    find_cookie,
    refuse,
    refusing,
)
from gatepass.http.problems import CSRF_FAILED
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens.opaque import ACCESS_PREFIX

Proof = Mapping[str, str | None]
"""The token that proves a session, under its name as an argument of `log_out`."""


class Browsers:
    """Finds out whose cookies came with a request."""

    __slots__ = ("_cookies", "_csrf_keys", "_guard", "_manager")

    def __init__(
        self,
        manager: TokenManager | AsyncTokenManager,
        guard: Guard,
        cookies: Cookies | None,
        csrf_keys: Callable[[], tuple[bytes, ...]],
    ) -> None:
        self._manager = manager
        self._guard = guard
        self._cookies = cookies
        self._csrf_keys = csrf_keys

    async def prove(self, request: HttpRequest, access_token: str | None) -> tuple[str, Proof]:
        """The session of the cookies of which one is this access token, and the proof of it.

        Raises:
            TokenMissing, TokenMalformed, TokenInvalid: The cookies prove no session.
            TokenExpired, TokenRevoked: The store does not know the opaque token any more.
            StoreUnavailable: The store did not say whose the opaque token is.
        """
        if access_token is not None and access_token.startswith(ACCESS_PREFIX):
            proven = await self._find_beside(request)
            if proven is not None:
                return proven
        session_id = await settle(self._manager.session_id_of(access_token=access_token))
        return session_id, {"access_token": access_token}

    async def require_own_refresh(self, request: HttpRequest, refresh_token: str) -> None:
        """Return when one of our pages refreshes by cookie, and the cookies are of one session.

        Raises:
            RequestRefused: The page is not ours, or the cookies are of two sessions.
        """
        access_token, _ = self._guard.find_cookie(request)
        try:
            session_id, _proof = await self.prove(request, access_token)
        except TokenError:
            what = "is missing" if access_token is None else "was signed by no key of ours"
            if access_token is not None and access_token.startswith(ACCESS_PREFIX):
                what = "is unknown to the store, and the CSRF cookie is not of its session"
            reason = f"a refresh by cookie proves its session, and the access cookie {what}"
            raise RequestRefused(CSRF_FAILED, reason=reason) from None
        except StoreUnavailable as error:
            refuse(error, REFRESH_PROBLEMS)
        self._guard.require_own_page(request, session_id)
        with refusing(REFRESH_PROBLEMS):
            refreshed = await settle(self._manager.session_id_of(refresh_token=refresh_token))
        if refreshed != session_id:
            reason = "the refresh cookie is of another session than the access cookie"
            raise RequestRefused(CSRF_FAILED, reason=reason)

    def find_refresh_token(self, request: HttpRequest) -> str | None:
        """The refresh token in a cookie.

        Raises:
            RequestRefused: The cookie came twice.
        """
        cookies = self._cookies
        return None if cookies is None else find_cookie(request.header("cookie"), cookies.refresh)

    async def _find_beside(self, request: HttpRequest) -> tuple[str, Proof] | None:
        """The session of the refresh cookie, if the CSRF cookie is of the same one."""
        assert self._cookies is not None  # noqa: S101 - an access token came in a cookie
        try:
            refresh_token = self.find_refresh_token(request)
            csrf = find_cookie(request.header("cookie"), self._cookies.csrf)
            session_id = await settle(self._manager.session_id_of(refresh_token=refresh_token))
        except (RequestRefused, TokenError):
            return None
        given = (csrf or "").encode("utf-8", "surrogatepass")
        for key in self._csrf_keys():
            if hmac.compare_digest(csrf_token(key, session_id).encode(), given):
                return session_id, {"refresh_token": refresh_token}
        return None
