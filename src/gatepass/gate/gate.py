"""`Gate`: every auth route as a method from a request to an answer, for any framework."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from gatepass._clock import wall_clock
from gatepass.errors import ClaimsRejected, GatepassError, StoreUnavailable, TokenError
from gatepass.events import about
from gatepass.gate.browsers import Browsers, Proof
from gatepass.gate.cookie_answers import answer_in_cookies, explain_missing
from gatepass.gate.guard import Guard
from gatepass.gate.hooks import Authenticate, ChangePassword
from gatepass.gate.limits import GateLimits
from gatepass.gate.login import Login, read_credentials
from gatepass.gate.password_change import FRESH, PasswordChange
from gatepass.gate.proxy_gate import ProxyGuard
from gatepass.gate.rejections import Rejections
from gatepass.gate.sessions import describe, require_no_actor
from gatepass.http import (
    ACCESS_PROBLEMS,
    CSRF_PURPOSE,
    LOGIN_PROBLEMS,
    REFRESH_PROBLEMS,
    Answer,
    HttpPolicy,
    HttpRequest,
    Limits,
    Problems,
    RequestRefused,
    Requirement,
    answer_json,
    answer_nothing,
    csrf_token,
    parse_bearer,
    parse_refresh_token,
    refuse,
    refusing,
    require_origin,
)
from gatepass.http.problems import REFRESH_MISSING, SESSION_UNKNOWN
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import AccessClaims, TokenPair

_KEYS_CACHE: Final = "public, max-age=300"
_NOTHING: Final = Requirement()
T = TypeVar("T")


class Gate:
    """The auth routes over a manager; they raise `RequestRefused` to reject a request.

    Every route takes a request, its body and the session in its path.
    """

    def __init__(
        self,
        manager: TokenManager | AsyncTokenManager,
        *,
        authenticate: Authenticate | None,
        change_password: ChangePassword | None = None,
        limits: Limits | None,
        policy: HttpPolicy,
        call: Callable[..., Any],
        now: Callable[[], float] = wall_clock,
    ) -> None:
        self._manager = manager
        self._policy = policy
        self.mounted_at = "/auth"
        """The prefix of the routes in their application; the framework sets it."""
        keys = () if policy.cookies is None else tuple(policy.cookies.csrf_keys)
        self.csrf_keys: Callable[[], tuple[bytes, ...]] = (
            (lambda: keys) if keys else partial(manager.derived_secrets, CSRF_PURPOSE)
        )
        """The keys of the policy, or those derived from the current refresh keys."""
        self.guard = Guard(manager.verify, policy, self.csrf_keys, now, manager.verify_key)
        self._browsers = Browsers(manager, self.guard, policy.cookies, self.csrf_keys)
        self.proxy_guard: ProxyGuard | None = None
        self._refreshes = Rejections("refresh")
        self._is_async = isinstance(manager, AsyncTokenManager)
        self.limits = GateLimits(manager, limits, now)
        self.takes_cookies = policy.cookies is not None
        self.login = (
            None
            if authenticate is None
            else Login(
                manager=manager,
                authenticate=authenticate,
                limits=self.limits,
                policy=policy,
                call=call,
            )
        )
        self.password_change = change_password and PasswordChange(
            manager=manager, change=change_password, limits=self.limits, call=call
        )

    async def log_in(self, request: HttpRequest, body: bytes, *_: object) -> Answer:
        """Exchange a user name and a password for a token pair, in the body or in cookies."""
        if self.login is None:
            raise TypeError("there is no login without authenticate")
        credentials = read_credentials(request, body, self._policy)
        pair, marks = await self.login.log_in(request, credentials)
        answer = await self.hand_out(
            pair, in_cookies=credentials.wants_cookies, root_path=request.root_path, marks=marks
        )
        if credentials.wants_cookies:
            await self._end_replaced(request)
        return answer

    async def refresh(self, request: HttpRequest, body: bytes, *_: object) -> Answer:
        """Exchange a refresh token for the next token pair of its session."""
        presented = parse_refresh_token(_content_type(request), body)
        by_cookie = presented is None
        refresh_token = presented or self._browsers.find_refresh_token(request)
        if refresh_token is None:
            reason = explain_missing(self._policy.cookies, request, mounted_at=self.mounted_at)
            raise RequestRefused(REFRESH_MISSING, reason=reason)
        if by_cookie:
            await self._browsers.require_own_refresh(request, refresh_token)
        with refusing(REFRESH_PROBLEMS):
            await self.limits.count_refresh(refresh_token)
        with self._refreshes:
            pair = await self._ask(REFRESH_PROBLEMS, lambda: self._manager.refresh(refresh_token))
        return await self.hand_out(pair, in_cookies=by_cookie, root_path=request.root_path)

    async def log_out(self, request: HttpRequest, body: bytes, *_: object) -> Answer:
        """End the session that the access token, the refresh token or both belong to."""
        refresh_token = parse_refresh_token(_content_type(request), body)
        access_token, by_cookie = parse_bearer(request.header("authorization")), False
        if access_token is None and refresh_token is None:
            access_token, by_cookie = self.guard.find(request)
        tokens: Proof = {"access_token": access_token, "refresh_token": refresh_token}
        if by_cookie:
            # The refresh cookie alone does not count: a sub-domain can add one, and must not keep
            # users from logging out.
            with refusing(ACCESS_PROBLEMS):
                session_id, tokens = await self._browsers.prove(request, access_token)
            self.guard.require_own_page(request, session_id)
        only_refresh = not tokens.get("access_token") and bool(tokens.get("refresh_token"))
        await self._ask(
            REFRESH_PROBLEMS if only_refresh else ACCESS_PROBLEMS,
            lambda: self._manager.log_out(**tokens),
        )
        answer = answer_json({"message": "Logged out successfully"})
        return self._forget(answer, request, by_cookie=by_cookie)

    async def log_out_everywhere(self, request: HttpRequest, *_: object) -> Answer:
        """End every session of the caller; an actor may not."""
        claims = await self._caller(request)
        require_no_actor(claims)
        revoked = await self._ask(
            ACCESS_PROBLEMS,
            lambda: self._manager.revoke_subject(claims.subject, reason="logout-all"),
        )
        answer = answer_json({"message": "Logged out everywhere", "revoked": revoked})
        return self._forget(answer, request, by_cookie=self.guard.find(request)[1])

    async def change_password(self, request: HttpRequest, body: bytes, *_: object) -> Answer:
        """Change the caller's password and end every session but this one; an actor may not."""
        if self.password_change is None:
            raise TypeError("there is no change of passwords without change_password")
        claims = await self._caller(request, FRESH)
        return await self.password_change.answer(claims, _content_type(request), body)

    async def csrf(self, request: HttpRequest, *_: object) -> Answer:
        """The CSRF token of the access cookie's session, for a page that was reloaded.

        The token may have expired: the page needs its CSRF token to refresh.
        """
        require_origin(request, self._policy.public_origins)
        access_token, _by_cookie = self.guard.find_cookie(request)
        with refusing(ACCESS_PROBLEMS):
            session_id, _proof = await self._browsers.prove(request, access_token)
        return answer_json({"csrf_token": csrf_token(self.csrf_keys()[0], session_id)})

    async def me(self, request: HttpRequest, *_: object) -> Answer:
        """The claims of the caller's access token."""
        return answer_json(dict(await self._caller(request)))

    async def sessions(self, request: HttpRequest, *_: object) -> Answer:
        """The caller's live sessions, newest first."""
        claims = await self._caller(request)
        found = await self._ask(ACCESS_PROBLEMS, lambda: self._manager.sessions(claims.subject))
        listed = [describe(session, current=claims.session_id) for session in found]
        return answer_json({"sessions": listed})

    async def end_session(self, request: HttpRequest, _: bytes, session_id: str) -> Answer:
        """End one of the caller's sessions; the session of another user counts as unknown.

        An actor may end its own.
        """
        claims = await self._caller(request)
        if session_id != claims.session_id:
            require_no_actor(claims)
        found = await self._ask(ACCESS_PROBLEMS, lambda: self._manager.sessions(claims.subject))
        if session_id not in {session.session_id for session in found}:
            raise RequestRefused(SESSION_UNKNOWN)
        with about(subject=claims.subject):
            await self._end(ACCESS_PROBLEMS, session_id, "ended-by-user")
        return answer_nothing()

    async def keys(self, *_: object) -> Answer:
        """The public keys that verify access tokens (RFC 7517 §5)."""
        keys = self._manager.access_keys.current().public_jwks()
        return answer_json(keys, cache=_KEYS_CACHE)

    async def open_session(
        self,
        subject: str,
        claims: Mapping[str, Any] | None,
        *,
        manager: TokenManager | AsyncTokenManager | None = None,
        root_path: str = "",
        **options: Any,
    ) -> Answer:
        """The tokens of a new session, in cookies where the policy has cookies.

        Args:
            subject: The user, who has proved to be it by other means than a password.
            claims: See `TokenManager.issue`.
            manager: The manager that opens the session; by default that of the guards.
            root_path: The path before the application that has the routes, in this request.
            options: `session_claims`, `device` and `epoch`, see `TokenManager.issue`.
        """
        opens = self._manager if manager is None else manager
        pair = await self._ask(LOGIN_PROBLEMS, lambda: opens.issue(subject, claims, **options))
        return await self.hand_out(pair, in_cookies=self.takes_cookies, root_path=root_path)

    async def hand_out(
        self, pair: TokenPair, *, in_cookies: bool, root_path: str = "", marks: str = ""
    ) -> Answer:
        """A token pair for the client: in the body, or in cookies and then not in the body.

        `marks` are those of the device, if a login has marked it.

        Raises:
            ClaimsRejected: A cookie would be too large for browsers; the session is ended.
        """
        cookies = self._policy.cookies
        if not in_cookies or cookies is None:
            return answer_json(pair.to_dict() | {"device_token": marks} if marks else pair)
        csrf = csrf_token(self.csrf_keys()[0], pair.session_id)
        try:
            return answer_in_cookies(
                cookies,
                pair,
                csrf,
                marks=marks,
                mounted_at=self.mounted_at,
                root_path=root_path,
            )
        except ClaimsRejected:
            await self._end({}, pair.session_id, "cookie too large")
            raise

    async def _ask(self, problems: Problems, operation: Callable[[], Awaitable[T] | T]) -> T:
        """The result of an operation of the manager; errors in `problems` become refusals."""
        try:
            result = operation()
            return await result if isinstance(result, Awaitable) else result
        except GatepassError as error:
            refuse(error, problems)

    async def _end(self, problems: Problems, session_id: str, reason: str) -> None:
        await self._ask(problems, lambda: self._manager.revoke_session(session_id, reason=reason))

    async def _caller(self, request: HttpRequest, needs: Requirement = _NOTHING) -> AccessClaims:
        if self._is_async:
            claims = await self.guard.acheck(request, needs)
        else:
            claims = self.guard.check(request, needs)
        assert claims is not None  # noqa: S101 - without a token the guard raises
        return claims

    async def _end_replaced(self, request: HttpRequest) -> None:
        """End the session whose cookies are replaced: a late refresh must not bring them back."""
        try:
            access_token, _ = self.guard.find_cookie(request)
            session_id, _proof = await self._browsers.prove(request, access_token)
        except (RequestRefused, TokenError):
            return
        except StoreUnavailable as error:
            refuse(error, LOGIN_PROBLEMS)
        await self._end(LOGIN_PROBLEMS, session_id, "replaced by a login")

    def _forget(self, answer: Answer, request: HttpRequest, *, by_cookie: bool) -> Answer:
        """The answer to a logout; it clears the cookies where they brought the token."""
        cookies = self._policy.cookies
        if not by_cookie or cookies is None:
            return answer
        return answer.plus(cookies.clear(mounted_at=self.mounted_at, root_path=request.root_path))


def _content_type(request: HttpRequest) -> str | None:
    return next(iter(request.header("content-type")), None)
