"""`CommonAuth`: what the `Auth` of every framework is made of."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from gatepass.errors import GatepassError, SettingsRejected, StoreUnavailable
from gatepass.gate.gate import Gate
from gatepass.gate.guard import Guard
from gatepass.gate.hooks import Authenticate, LoginLimit
from gatepass.gate.maybe_await import CallPlain, settle
from gatepass.gate.routes import Route
from gatepass.http import (
    LOGIN_DOOR,
    Answer,
    HttpPolicy,
    HttpRequest,
    RequestRefused,
    answer_refused,
    door,
    is_preflight,
)
from gatepass.http.cors import answer_preflight
from gatepass.http.problems import (
    CSRF_FAILED,
    HTTPS_REQUIRED,
    INVALID_REQUEST,
    REFRESH_INVALID,
    STORE_UNAVAILABLE,
    TOKEN_INVALID,
    find_retry_after,
)
from gatepass.http.transport import find_risks, is_local
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import AsyncTokenVerifier, TokenVerifier

_log = logging.getLogger("gatepass")
_transport_log = logging.getLogger("gatepass.transport")
_MANAGERS: Final = (TokenManager, AsyncTokenManager)
_EXPLAINED: Final = (CSRF_FAILED, HTTPS_REQUIRED, INVALID_REQUEST)
"""What an honest client gets because something is set up wrongly: the log says what."""
_TOLD_TO_DEBUGGERS: Final = (TOKEN_INVALID, REFRESH_INVALID)
"""What strangers can send at will: the log says why where somebody looks for it."""
AnyManager = TokenManager | AsyncTokenManager | TokenVerifier | AsyncTokenVerifier


class CommonAuth:
    """Everything of an `Auth` that knows no framework."""

    takes: ClassVar[tuple[type, ...]]
    """The managers and verifiers that this framework can wait for."""

    def __init__(
        self,
        manager: AnyManager,
        *,
        authenticate: Authenticate | None,
        login_limit: LoginLimit | None,
        http: HttpPolicy | None,
        invalid_token_status: int,
        call_plain: CallPlain,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._require_manager(manager)
        _require_parts(authenticate, http, invalid_token_status)
        self.policy = HttpPolicy() if http is None else http
        self._has_warned = False
        self._now = now
        self.vary = "Authorization" if self.policy.cookies is None else "Authorization, Cookie"
        """The `Vary` of what a guard lets through: caches must not serve it to everybody."""
        self.invalid_token_status = invalid_token_status
        self.is_async = isinstance(manager, (AsyncTokenManager, AsyncTokenVerifier))
        """Whether the guard's `acheck` is to be asked, and not `check`."""
        if isinstance(manager, _MANAGERS):
            self.gate: Gate | None = Gate(
                manager,
                authenticate=authenticate,
                login_limit=login_limit,
                policy=self.policy,
                call_plain=call_plain,
                now=now,
            )
            self.manager: TokenManager | AsyncTokenManager | None = manager
            self.guard = self.gate.guard
            self._csrf_keys: Callable[[], Iterable[bytes]] = self.gate.csrf_keys
            return
        if authenticate is not None:
            raise TypeError("a verifier issues no tokens: authenticate needs a manager")
        cookies = self.policy.cookies
        keys = () if cookies is None else tuple(cookies.csrf_keys)
        if cookies is not None and not keys:
            raise SettingsRejected("with a verifier, cookies need the csrf_keys of the auth server")
        self.gate = self.manager = None
        self._csrf_keys = lambda: keys
        self.guard = self.make_guard(manager)

    def make_guard(self, manager: AnyManager) -> Guard:
        """A guard by the same rules that asks this manager or verifier."""
        return Guard(manager.verify, self.policy, self._csrf_keys, self._now)

    async def answer(
        self, route: Route, request: HttpRequest, body: bytes = b"", session_id: str = ""
    ) -> Answer:
        """The answer to a request of this route, refusals included."""
        try:
            return await self.perform(route, request, body, session_id)
        except (RequestRefused, StoreUnavailable) as error:
            return self.answer_error(error)

    async def perform(
        self, route: Route, request: HttpRequest, body: bytes = b"", session_id: str = ""
    ) -> Answer:
        """The same, with refusals raised."""
        return await route.answer(self._require_gate(), request, body, session_id)

    def intercept(self, request: HttpRequest) -> Answer | None:
        """The policy's answer to a request that goes no further; `None` lets it pass."""
        try:
            return self.policy.screen(request)
        except RequestRefused as refused:
            return self.answer_error(refused)

    def answer_preflight(self, request: HttpRequest) -> Answer | None:
        """A guard's answer to a preflight (Fetch standard §3.3.6); `None` for all other requests.

        Browsers send preflights without credentials. A guard answers them and never calls its
        view, since anybody can send `OPTIONS`.
        """
        if not is_preflight(request):
            return None
        return answer_preflight(request, self.policy.allowed_origins, self.policy.public_origins)

    def warn_of_open_transport(self, *, is_development: bool = False) -> None:
        """Log once what lets others read tokens on their way, unless this is development."""
        if self._has_warned or is_development or is_local(self.policy):
            return
        self._has_warned = True
        for risk in find_risks(self.policy):
            _transport_log.warning("%s: %s. %s", risk.code, risk.sentence, risk.cure)

    def answer_error(self, error: GatepassError) -> Answer:
        """The table's answer to a refusal, or to a store that failed in a route of yours."""
        refused = (
            error
            if isinstance(error, RequestRefused)
            else RequestRefused(STORE_UNAVAILABLE, retry_after=find_retry_after(error))
        )
        if refused.problem is STORE_UNAVAILABLE:
            known = (error if error is not refused else error.__cause__) or refused
            # A driver's text may hold a statement's values: its kind says enough.
            cause = f" ({type(known.__cause__).__name__})" if known.__cause__ else ""
            _log.warning("store unavailable, answered 503: %s%s", known, cause)
        elif refused.problem in _EXPLAINED:
            _log.warning("%s: %s", refused.problem.code, refused.reason)
        elif refused.problem in _TOLD_TO_DEBUGGERS:
            _log.debug("%s: %s", refused.problem.code, refused.__cause__)
        return answer_refused(refused, invalid_token_status=self.invalid_token_status)

    async def open_session(
        self,
        subject: str,
        claims: Mapping[str, Any] | None,
        *,
        session_claims: Mapping[str, Any] | None,
        device: str | None,
        epoch: int | None,
        manager: Any = None,
    ) -> Answer:
        """A new session's tokens for somebody who proved to be the subject by other means.

        They come in cookies where the policy has cookies. The manager opens the session; by
        default that of the guards.
        """
        gate = self._require_gate()
        manager = self.manager if manager is None else manager
        with door(LOGIN_DOOR):
            opening = manager.issue(
                subject, claims, session_claims=session_claims, device=device, epoch=epoch
            )
            pair = await settle(opening)
        return await gate.hand_out(pair, in_cookies=self.policy.cookies is not None)

    def _require_gate(self) -> Gate:
        if self.gate is None:
            raise TypeError("a verifier has no sessions: give Auth a manager")
        return self.gate

    def _require_manager(self, manager: object) -> None:
        where = type(self).__module__.removesuffix(".auth")
        if not isinstance(manager, self.takes):
            wanted, given = self.takes[0].__name__, type(manager).__name__
            raise TypeError(f"{where}.Auth: manager must be {wanted}, not {given}")
        blocks = isinstance(manager, TokenVerifier) and manager.revocations is not None
        if blocks and AsyncTokenManager in self.takes and TokenManager not in self.takes:
            raise TypeError(f"{where}.Auth takes an AsyncTokenVerifier where revocations are asked")


def _require_parts(authenticate: object, http: object, invalid_token_status: object) -> None:
    """Refuse what would only fail, or answer a refusal with success, once a request comes."""
    if authenticate is not None and not callable(authenticate):
        given = type(authenticate).__name__
        raise TypeError(f"authenticate is a function of user name and password, and not {given}")
    if http is not None and not isinstance(http, HttpPolicy):
        raise TypeError(
            f"http is an HttpPolicy, as in HttpPolicy(…), and not {type(http).__name__}"
        )
    if invalid_token_status not in {401, 403}:
        raise ValueError("invalid_token_status is 401 or 403")


def require_prefix(prefix: str) -> str:
    """A prefix to mount routes at: `/auth`, or nothing.

    Raises:
        ValueError: It would double or lose a slash.
    """
    if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
        raise ValueError('prefix begins with "/" and does not end with it')
    return prefix
