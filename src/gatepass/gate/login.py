"""The login: limits, `authenticate`, issue, in this order; answers do not tell why it failed."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from gatepass._maybe_await import settle
from gatepass.errors import StoreUnavailable
from gatepass.gate.devices import split_marks
from gatepass.gate.hooks import Authenticate
from gatepass.gate.limits import Attempt, GateLimits
from gatepass.http import (
    LOGIN_PROBLEMS,
    Credentials,
    HttpPolicy,
    HttpRequest,
    Identity,
    RequestRefused,
    find_cookie,
    parse_credentials,
    parse_device,
    refusing,
    require_no_foreign_page,
    require_origin,
)
from gatepass.http.problems import INVALID_CREDENTIALS, INVALID_REQUEST
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import TokenPair
from gatepass.tokens.pair import is_subject

_BEHIND_PROXY: Final = (
    "an address has reached its limit, and its requests carry X-Forwarded-For: if it is your "
    "proxy, all its clients share the limit until trusted_proxies (GATEPASS_TRUSTED_PROXIES) "
    "names it"
)


def read_credentials(request: HttpRequest, body: bytes, policy: HttpPolicy) -> Credentials:
    """The credentials of a login that its page may send.

    Raises:
        RequestRefused: The body is no login, or a page of another site sent it.
    """
    credentials = parse_credentials(next(iter(request.header("content-type")), None), body)
    if credentials.wants_cookies:
        if policy.cookies is None:
            reason = "a login asks for cookies, and the policy has none: name public_origins"
            raise RequestRefused(INVALID_REQUEST, reason=reason)
        require_origin(request, policy.public_origins)
    elif credentials.is_form:  # else other sites' pages use up the logins of their visitors
        known = {*policy.public_origins, *policy.allowed_origins}
        require_no_foreign_page(request, known, policy.proxies.host(request))
    return credentials


@dataclass(slots=True, kw_only=True)
class Login:
    """Exchanges credentials for a token pair."""

    manager: TokenManager | AsyncTokenManager
    authenticate: Authenticate
    limits: GateLimits
    policy: HttpPolicy
    call: Callable[..., Any]
    """Calls a function of the application that may block; the result may be awaitable."""
    hold: Callable[[str], AbstractContextManager[object]] = field(default=nullcontext)
    """Surrounds the login of an address; it raises `RequestRefused` if too many are under way."""

    async def log_in(self, request: HttpRequest, credentials: Credentials) -> tuple[TokenPair, str]:
        """The first token pair of a new session, and the marks for its device.

        There are no marks if they are turned off, or if the store failed after the login.

        Raises:
            RequestRefused: Too many attempts, wrong credentials, or the store is down.
        """
        address = self.policy.proxies.client(request) or "unknown"
        marks = self._find_marks(request, credentials)
        with self.hold(address), refusing(LOGIN_PROBLEMS):
            attempt = await self._begin(request, credentials.username, address, marks)
            try:
                identity = await self._identify(credentials)
            except RequestRefused as refused:
                if refused.problem is not INVALID_CREDENTIALS:
                    await self.limits.give_back(attempt)
                raise
            pair = await self._open_session(request, identity, attempt)
            mark = ""
            if self.limits.marks_devices:
                with suppress(StoreUnavailable):
                    mark = await self.limits.mark_device(
                        credentials.username, identity, attempt.device
                    )
        if mark and credentials.wants_cookies:
            mark = self.limits.devices.join(mark, marks, credentials.username)
        return pair, mark

    def _find_marks(self, request: HttpRequest, credentials: Credentials) -> list[str]:
        """The marks that came with a request; a cookie that is given twice is ignored."""
        cookies, value = self.policy.cookies, None
        if cookies is not None:
            with suppress(RequestRefused):
                value = find_cookie(request.header("cookie"), cookies.device)
        return [*filter(None, [credentials.device_token]), *split_marks(value)]

    async def _begin(
        self, request: HttpRequest, username: str, address: str, marks: list[str]
    ) -> Attempt:
        try:
            return await self.limits.begin_login(username, address, marks)
        except RequestRefused as refused:
            proxies = self.policy.proxies
            if request.header("x-forwarded-for") and not (
                proxies.trusts(request.peer) or proxies.is_replaced(request)
            ):
                refused.reason = _BEHIND_PROXY
            raise

    async def _identify(self, credentials: Credentials) -> Identity:
        with refusing(LOGIN_PROBLEMS):
            called = self.call(self.authenticate, credentials.username, credentials.password)
            found = await settle(await settle(called))
        if found is None:
            raise RequestRefused(INVALID_CREDENTIALS)
        if not isinstance(found, Identity):
            raise TypeError(f"authenticate returns an Identity or None, not {type(found).__name__}")
        if found.subject == credentials.username and not is_subject(found.subject):
            # The application takes names for subjects: nobody can have this one.
            raise RequestRefused(INVALID_CREDENTIALS)
        return found

    async def _open_session(
        self, request: HttpRequest, identity: Identity, attempt: Attempt
    ) -> TokenPair:
        issued = self.manager.issue(
            identity.subject,
            identity.claims,
            session_claims=identity.session_claims,
            device=parse_device("".join(request.header("user-agent")[:1])),
            epoch=identity.epoch,
            give_back=attempt.to_give_back,
        )
        return await settle(issued)
