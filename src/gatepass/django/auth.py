"""`Auth`: what a Django project holds; decorators and DRF permissions that guard views."""

import inspect
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, Literal, Never

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponse
from django.urls import NoReverseMatch, get_urlconf, reverse

from gatepass.django.commits import opening_manager
from gatepass.django.guards import Guarding
from gatepass.django.requests import send
from gatepass.gate import (
    AnyManager,
    Authenticate,
    CommonAuth,
    LoginLimit,
    Route,
    call_here,
    require_call,
    run_in_place,
    settle,
)
from gatepass.http import Answer, HttpPolicy, HttpRequest, Requirement
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import AccessClaims, AsyncTokenVerifier, TokenVerifier

Check = Callable[..., AccessClaims | None]
AsyncCheck = Callable[..., Awaitable[AccessClaims | None]]


class Auth(CommonAuth):
    """Sign-in for a Django project, named by the setting `GATEPASS_AUTH`.

    Args:
        manager: Issues, verifies, rotates and revokes; closing it stays with its maker. A
            service without sessions gives a verifier, and has guards but no routes.
        twin: The same of the other kind, so that views of both kinds wait for nothing they
            need not: without it async views ask a sync manager in a thread, and sync views
            ask an async one in a loop of their own.
        authenticate: Takes a user name and a password, finds an `Identity` or `None`.
        login_limit: A limit on failed log-ins per client address; none by default.
        http: Cookies, origins, https and proxies; by default tokens come in headers only.
        invalid_token_status: 401 instead of 403 for forged tokens is plain RFC 6750.
        now: The clock that `fresh` goes by; the one the manager was given.
    """

    takes = (TokenManager, AsyncTokenManager, TokenVerifier, AsyncTokenVerifier)

    def __init__(
        self,
        manager: AnyManager,
        *,
        twin: AnyManager | None = None,
        authenticate: Authenticate | None = None,
        login_limit: LoginLimit | None = None,
        http: HttpPolicy | None = None,
        invalid_token_status: Literal[401, 403] = 403,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            manager,
            authenticate=authenticate,
            login_limit=login_limit,
            http=http,
            invalid_token_status=invalid_token_status,
            call_plain=call_here if isinstance(manager, TokenManager) else _call_in_thread,
            now=now,
        )
        guards = {self.is_async: self.guard}
        if twin is not None:
            guards[isinstance(twin, (AsyncTokenManager, AsyncTokenVerifier))] = self.make_guard(
                twin
            )
            if len(guards) == 1:
                raise TypeError("the twin of an async manager is a sync one, and the reverse")
        self._has_no_io = isinstance(manager, TokenVerifier) and manager.revocations is None
        self.check: Check = (
            guards[False].check if False in guards else async_to_sync(guards[True].acheck)
        )
        """The claims of a request's token; see `gatepass.gate.Guard.check`."""
        self.acheck: AsyncCheck = (
            guards[True].acheck if True in guards else self._make_acheck(guards[False].check)
        )
        """The same for async views."""

    def required(
        self,
        *view: Never,
        scopes: Collection[str] | None = None,
        roles: Collection[str] | None = None,
        fresh: timedelta | None = None,
    ) -> Guarding:
        """A decorator for views, sync or async, and a permission for `permission_classes`.

        The view finds the claims in `request.gatepass`. It is exempt from Django's CSRF check:
        a token in a header needs none, and a token in a cookie gets gatepass's own.

        Args:
            view: Nothing; it is there to refuse `@auth.required` without parentheses.
            scopes: All of them must be in the `scope` claim.
            roles: One of them must be the `role` claim, or in it.
            fresh: The password was checked no longer ago than this (RFC 9470).
        """
        require_call("required", view, is_serving=_is_serving())
        return Guarding(self, Requirement(scopes, roles, fresh), optional=False)

    def optional(self, *view: Never) -> Guarding:
        """The same for everybody: `request.gatepass` is `None` without a token.

        A bad token is still refused, and without a token Django's CSRF check applies.
        """
        require_call("optional", view, is_serving=_is_serving())
        return Guarding(self, Requirement(), optional=True)

    def ninja(
        self,
        *view: Never,
        scopes: Collection[str] | None = None,
        roles: Collection[str] | None = None,
        fresh: timedelta | None = None,
    ) -> Any:
        """The same for `auth=` of django-ninja: of an API, a router or an operation.

        Operations find the claims in `request.auth`, and OpenAPI names a bearer token.
        """
        from gatepass.django.ninja import GatepassBearer  # noqa: PLC0415 - wants its extra

        require_call("ninja", view, is_serving=_is_serving())
        return GatepassBearer(self, Requirement(scopes, roles, fresh))

    def log_in(
        self,
        subject: str,
        claims: Mapping[str, Any] | None = None,
        *,
        session_claims: Mapping[str, Any] | None = None,
        device: str | None = None,
        epoch: int | None = None,
    ) -> HttpResponse:
        """The response that logs somebody in who came through a passkey, SSO or a social log-in.

        Tokens come in cookies where the policy has cookies, and in the body elsewhere. In a
        transaction that changed this user's password they are good once it has committed.
        """
        self.find_mount_point()
        manager = opening_manager(self, subject)
        opening = self.open_session(
            subject,
            claims,
            session_claims=session_claims,
            device=device,
            epoch=epoch,
            manager=manager,
        )
        return send(self.wait_for(opening) if self.is_async else run_in_place(opening))

    async def alog_in(
        self,
        subject: str,
        claims: Mapping[str, Any] | None = None,
        *,
        session_claims: Mapping[str, Any] | None = None,
        device: str | None = None,
        epoch: int | None = None,
    ) -> HttpResponse:
        """`log_in` for async views."""
        if not self.is_async:
            return await sync_to_async(self.log_in)(
                subject, claims, session_claims=session_claims, device=device, epoch=epoch
            )
        self.find_mount_point()
        manager = await sync_to_async(opening_manager)(self, subject)
        opening = self.open_session(
            subject,
            claims,
            session_claims=session_claims,
            device=device,
            epoch=epoch,
            manager=manager,
        )
        return send(await opening)

    def answer_in_place(
        self, route: Route, request: HttpRequest, body: bytes, session_id: str
    ) -> Answer:
        """`answer` over a sync manager."""
        return run_in_place(self.answer(route, request, body, session_id))

    def wait_for(self, value: Any) -> Any:
        """What a manager's method returned, once it is there; from a thread without a loop."""
        return async_to_sync(settle)(value) if inspect.isawaitable(value) else value

    def find_mount_point(self) -> None:
        """Learn from the URL configuration where browsers find the auth routes."""
        if self.gate is not None and self.policy.cookies is not None:
            try:
                self.gate.mounted_at = reverse("gatepass:refresh").removesuffix("/refresh")
            except NoReverseMatch:
                return

    def _make_acheck(self, check: Check) -> AsyncCheck:
        if not self._has_no_io:
            return sync_to_async(check, thread_sensitive=False)

        async def acheck(*args: Any, **kwargs: Any) -> AccessClaims | None:
            return check(*args, **kwargs)

        return acheck


def _is_serving() -> bool:
    """Whether this thread or task handles a request: Django sets its URLconf until the end."""
    return get_urlconf() is not None


def _call_in_thread(function: Callable[..., Any], /, *args: Any) -> Any:
    """Call it where the ORM may be used, and coroutine functions on the loop."""
    if inspect.iscoroutinefunction(function):
        return function(*args)
    return sync_to_async(function)(*args)
