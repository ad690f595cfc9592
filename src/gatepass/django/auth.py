"""`Auth` of a Django project: decorators and DRF permissions that guard views."""

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
    require_call,
    run_in_place,
    settle,
)
from gatepass.http import HttpPolicy, Requirement
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import AccessClaims, AsyncTokenVerifier, TokenVerifier

Check = Callable[..., AccessClaims | None]
AsyncCheck = Callable[..., Awaitable[AccessClaims | None]]


class Auth(CommonAuth[AnyManager, Guarding, Guarding]):
    """Sign-in for a Django project, named by the setting `GATEPASS_AUTH`.

    `required()` and `optional()` decorate views, sync or async, and are permissions for
    `permission_classes`. The view finds the claims in `request.gatepass`: behind `optional()`
    they are `None` without a token. It is exempt from Django's CSRF check: a token in a header
    needs none, and a token in a cookie gets gatepass's own. A request that `optional()` lets
    through without a token gets Django's check.
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
        """Take the arguments of every `Auth` (see `CommonAuth`), and a `twin`.

        The twin is the sync version of an async manager, or the reverse. Without it async views
        run a sync manager in a thread, and sync views run an async one in a loop of their own.
        """
        super().__init__(
            manager,
            authenticate=authenticate,
            login_limit=login_limit,
            http=http,
            invalid_token_status=invalid_token_status,
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

        self._require_setup("ninja", view)
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
        """The response that logs in a user who came through a passkey, SSO or a social login.

        Tokens come in cookies where the policy has cookies, and in the body elsewhere. In a
        transaction that changed this user's password they are good once it has committed. The
        arguments are those of `TokenManager.issue`.
        """
        self.find_mount_point()
        opening = self.require_gate().open_session(
            subject,
            claims,
            session_claims=session_claims,
            device=device,
            epoch=epoch,
            manager=opening_manager(self, subject),
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
        return await sync_to_async(self.log_in)(
            subject, claims, session_claims=session_claims, device=device, epoch=epoch
        )

    def wait_for(self, value: Any) -> Any:
        """The result of a manager's method, awaited if it is awaitable; in sync code only."""
        return async_to_sync(settle)(value) if inspect.isawaitable(value) else value

    def find_mount_point(self) -> None:
        """Learn from the URL configuration where browsers find the auth routes."""
        if self.gate is not None and self.policy.cookies is not None:
            try:
                self.gate.mounted_at = reverse("gatepass:refresh").removesuffix("/refresh")
            except NoReverseMatch:
                return

    def _make_required(self, requirement: Requirement) -> Guarding:
        return Guarding(self, requirement, optional=False)

    def _make_optional(self, requirement: Requirement) -> Guarding:
        return Guarding(self, requirement, optional=True)

    def _require_setup(self, name: str, given: tuple[object, ...]) -> None:
        # Django sets the URLconf of a thread or task until its request ends.
        require_call(name, given, is_serving=get_urlconf() is not None)

    def _call_in_thread(self, function: Callable[..., Any], /, *args: Any) -> Any:
        return sync_to_async(function)(*args)

    def _make_acheck(self, check: Check) -> AsyncCheck:
        if not self._has_no_io:
            return sync_to_async(check, thread_sensitive=False)

        async def acheck(*args: Any, **kwargs: Any) -> AccessClaims | None:
            return check(*args, **kwargs)

        return acheck
