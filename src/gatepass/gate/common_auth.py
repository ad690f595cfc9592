"""`CommonAuth`: everything of an `Auth` that knows no framework."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import timedelta
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Final, Generic, Literal, Never, TypeVar

from gatepass._clock import wall_clock
from gatepass._maybe_await import settle
from gatepass.errors import GatepassError, GuardMisused, SettingsRejected, StoreUnavailable
from gatepass.gate.client_files import CLIENT_SCRIPT
from gatepass.gate.gate import Gate
from gatepass.gate.guard import Guard
from gatepass.gate.hooks import Authenticate, ChangePassword
from gatepass.gate.misuse import require_arguments, require_call
from gatepass.gate.proxy_gate import ProxyGate, ProxyGuard
from gatepass.gate.refusals import refusal_of
from gatepass.gate.rejections import Explanations
from gatepass.gate.routes import KEYS, VERIFY, Route, answer_wrong_method
from gatepass.gate.telling import telling
from gatepass.http import (
    DEFAULT_LIMITS,
    Answer,
    HttpPolicy,
    HttpRequest,
    Limits,
    RequestRefused,
    Requirement,
    answer_refused,
    is_preflight,
)
from gatepass.http.cors import answer_preflight
from gatepass.http.transport import find_risks, is_local
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import AsyncTokenVerifier, TokenVerifier

_log = logging.getLogger("gatepass")
_transport_log = logging.getLogger("gatepass.transport")
_MANAGERS: Final = (TokenManager, AsyncTokenManager)
AnyManager = TokenManager | AsyncTokenManager | TokenVerifier | AsyncTokenVerifier
Manager = TypeVar("Manager", bound=AnyManager)
RequiredGuard = TypeVar("RequiredGuard")
OptionalGuard = TypeVar("OptionalGuard")


class CommonAuth(ABC, Generic[Manager, RequiredGuard, OptionalGuard]):
    """The routes and guards of one service; each framework installs them in its own way."""

    takes: ClassVar[tuple[type, ...]]
    """The managers and verifiers that this framework can wait for."""
    client_script: ClassVar[str] = CLIENT_SCRIPT
    """The name of `gatepass.js` below the prefix of the routes, with its hash."""

    def __init__(
        self,
        manager: Manager,
        *,
        authenticate: Authenticate | None = None,
        change_password: ChangePassword | None = None,
        limits: Limits | None = DEFAULT_LIMITS,
        http: HttpPolicy | None = None,
        proxy_gate: ProxyGate | None = None,
        invalid_token_status: Literal[401, 403] = 403,
        now: Callable[[], float] = wall_clock,
    ) -> None:
        """Take the manager and the application's own parts.

        Args:
            manager: Issues, verifies, rotates and revokes; its maker closes it. A service
                without sessions passes a verifier, and has guards but no routes.
            authenticate: Takes a user name and a password, and returns an `Identity` or `None`.
            change_password: Takes a subject, its current and its new password, and returns whether
                the current one was right; see `ChangePassword`. Without it there is no such route.
            limits: How often passwords may be tried; `None` turns all limits off.
            http: Cookies, origins, https and proxies; by default tokens come in headers only.
            proxy_gate: Adds `GET /auth/verify`, with which nginx or Caddy guards other services.
            invalid_token_status: The status for forged tokens; 401 is plain RFC 6750.
            now: The clock for `fresh`; pass the one that the manager has.

        Raises:
            TypeError: An argument is of the wrong kind.
            SettingsRejected: A verifier has cookies without `csrf_keys`, or a proxy gate no proxy
                that is trusted.
        """
        self._require_manager(manager)
        self._verifies: Any = manager
        require_arguments(authenticate, change_password, limits, http, invalid_token_status)
        if not isinstance(proxy_gate, ProxyGate | None):
            raise TypeError("proxy_gate is made by ProxyGate(…), or None")
        self.policy = HttpPolicy() if http is None else http
        self.on_rejection: Callable[[str], object] | None = None
        """Called with the code of each answer that rejects a request."""
        self._has_warned = False
        self._explanations = Explanations()
        self._now = now
        self.vary = "Authorization" if self.policy.cookies is None else "Authorization, Cookie"
        """The `Vary` of answers behind a guard: caches must not serve them to everybody."""
        self.invalid_token_status = invalid_token_status
        self.is_async = isinstance(manager, (AsyncTokenManager, AsyncTokenVerifier))
        """Whether the guard's `acheck` works, and not `check`."""
        if isinstance(manager, _MANAGERS):
            self.gate: Gate | None = Gate(
                manager,
                authenticate=authenticate,
                change_password=change_password,
                limits=limits,
                policy=self.policy,
                call=partial(_call, self._call_in_thread if self.is_async else None),
                now=now,
            )
            self.manager: TokenManager | AsyncTokenManager | None = manager
            self.guard = self.gate.guard
            if proxy_gate is not None:
                self.gate.proxy_guard = ProxyGuard(proxy_gate, self.guard, manager, self.policy)
            self._csrf_keys: Callable[[], Iterable[bytes]] = self.gate.csrf_keys
            return
        if authenticate is not None or change_password is not None or proxy_gate is not None:
            raise TypeError(
                "a verifier has no sessions: "
                "proxy_gate, authenticate and change_password need a manager"
            )
        cookies = self.policy.cookies
        keys = () if cookies is None else tuple(cookies.csrf_keys)
        if cookies is not None and not keys:
            raise SettingsRejected("with a verifier, cookies need the csrf_keys of the auth server")
        self.gate = self.manager = None
        self._csrf_keys = lambda: keys
        self.guard = self.make_guard(manager)

    def required(
        self,
        *view: Never,
        scopes: Collection[str] | None = None,
        roles: Collection[str] | None = None,
        fresh: timedelta | None = None,
        kinds: Collection[Literal["session", "key"]] | None = None,
        watch: bool = False,
    ) -> RequiredGuard:
        """A guard: it lets a request through whose token holds and meets every requirement.

        Args:
            view: Nothing; it rejects `@auth.required`, where the parentheses are missing.
            scopes: All of them must be in the `scope` claim.
            roles: One of them must be the `role` claim, or in it.
            fresh: The longest time since the password was checked (RFC 9470).
            kinds: The credentials that pass: logins ("session"), API keys ("key"), or both. By
                default logins do, and keys where `scopes` are named and `fresh` is not.
            watch: Whether the connection ends with its session; in FastAPI and ASGI.

        Raises:
            GuardMisused: The parentheses are missing, a request is being handled, or nothing
                can end a view of this framework.
            SettingsRejected: The manager or verifier has no replica to watch.
        """
        self._require_setup("required", view)
        requirement = Requirement(scopes, roles, fresh, kinds)
        return self._make_watching(requirement) if watch else self._make_required(requirement)

    def optional(self, *view: Never) -> OptionalGuard:
        """A guard that also lets requests without a token through; it rejects bad tokens."""
        self._require_setup("optional", view)
        return self._make_optional(Requirement())

    def make_guard(self, manager: AnyManager) -> Guard:
        """A guard by the same rules that verifies with this manager or verifier."""
        verify_key = getattr(manager, "verify_key", None)
        return Guard(manager.verify, self.policy, self._csrf_keys, self._now, verify_key)

    async def answer(
        self,
        route: Route,
        request: HttpRequest,
        read_body: Callable[[], Awaitable[bytes] | bytes],
        session_id: str = "",
    ) -> Answer:
        """The answer to a request of this route, also to one that is rejected."""
        if is_preflight(request) and route not in {KEYS, VERIFY}:
            return self.policy.preflight_of_auth(request)
        gate = self.require_gate()
        try:
            if request.method in route.methods:
                body = await settle(read_body()) if route.takes_body else b""
                answering = route.answer(gate, request, body, session_id)
                answer = await telling(self.manager, self.policy, request, answering)
            else:
                answer = answer_wrong_method(route)
        except (RequestRefused, StoreUnavailable) as error:
            answer = self.answer_error(error)
        return answer if route is KEYS else answer.plus(self.policy.headers_of_auth(request))

    def intercept(self, request: HttpRequest) -> Answer | None:
        """The policy's answer to a request that goes no further; `None` lets it pass."""
        try:
            return self.policy.screen(request, for_proxy=self._is_for_proxy(request))
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

    def explain_preflight(self, request: HttpRequest, told: Callable[[str], str | None]) -> None:
        """Log why browsers reject the answer to a preflight; see `HttpPolicy.explain_preflight`."""
        reason = self.policy.explain_preflight(request, told)
        if reason is not None:
            self._explanations.warn("preflight rejected", reason)

    def warn_of_open_transport(self, *, is_development: bool = False) -> None:
        """Log once what lets others read tokens on the network, unless this is development."""
        if self._has_warned or is_development or is_local(self.policy):
            return
        self._has_warned = True
        for risk in find_risks(self.policy):
            _transport_log.warning("%s: %s. %s", risk.code, risk.sentence, risk.cure)

    def answer_error(self, error: GatepassError) -> Answer:
        """The table's answer to a refusal, or to a store that failed in a view."""
        refused = refusal_of(error, self._explanations)
        if self.on_rejection is not None:
            self.on_rejection(refused.problem.code)
        return answer_refused(refused, invalid_token_status=self.invalid_token_status)

    def require_gate(self) -> Gate:
        """The routes.

        Raises:
            TypeError: This `Auth` has a verifier.
        """
        if self.gate is None:
            raise TypeError("a verifier has no sessions: give Auth a manager")
        return self.gate

    @abstractmethod
    def _make_required(self, requirement: Requirement) -> RequiredGuard:
        """The framework's guard of `required`."""

    def _make_watching(self, _: Requirement) -> RequiredGuard:
        """The framework's guard of `required(watch=True)`."""
        raise GuardMisused(
            "nothing can end a blocking view from outside: write auth.required() without "
            "watch=True, and in the view `with auth.watch(claims, on_end=…)`"
        )

    @abstractmethod
    def _make_optional(self, requirement: Requirement) -> OptionalGuard:
        """The framework's guard of `optional`."""

    def _is_for_proxy(self, request: HttpRequest) -> bool:
        """Whether a proxy asks by this request whether another may pass."""
        if self.gate is None or self.gate.proxy_guard is None:
            return False
        return request.path.endswith(f"{self.gate.mounted_at}{VERIFY.path}")

    def _require_setup(self, name: str, given: tuple[object, ...]) -> None:
        """Return where a guard may be made; see `require_call`."""
        require_call(name, given)

    @staticmethod
    def _call_in_thread(function: Callable[..., Any], /, *args: Any) -> Any:
        """An awaitable of the result; only frameworks that take async managers have it."""
        raise NotImplementedError

    def _require_manager(self, manager: object) -> None:
        where = type(self).__module__.removesuffix(".auth")
        if not isinstance(manager, self.takes):
            wanted, given = self.takes[0].__name__, type(manager).__name__
            raise TypeError(f"{where}.Auth: manager must be {wanted}, not {given}")
        blocks = isinstance(manager, TokenVerifier) and manager.revocations is not None
        if blocks and AsyncTokenManager in self.takes and TokenManager not in self.takes:
            raise TypeError(f"{where}.Auth takes an AsyncTokenVerifier where revocations are asked")


AnyAuth = CommonAuth[Any, Any, Any]


def _call(in_thread: Callable[..., Any] | None, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of the application, in a thread where it would block an event loop.

    No method: an `Auth` that refers to itself keeps its store open until the garbage collector
    comes.
    """
    if in_thread is None or iscoroutinefunction(function):
        return function(*args)
    return in_thread(function, *args)
