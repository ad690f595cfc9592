"""`Auth` for ASGI: `install` puts the routes in front of an application, `required` guards one."""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, Literal, Never, TypeVar

from gatepass.asgi.front import Front
from gatepass.asgi.guarding import AnswerApp, guard, require_application
from gatepass.asgi.messages import (
    AsgiApp,
    Receive,
    Scope,
    Send,
    read_body,
    send_answer,
)
from gatepass.errors import GuardMisused
from gatepass.gate import (
    KEYS,
    KEYS_PATH,
    Authenticate,
    CommonAuth,
    LoginLimit,
    Route,
    call_in_thread,
    find_route,
    require_call,
    require_prefix,
)
from gatepass.http import (
    Answer,
    AsgiRequest,
    HttpPolicy,
    RequestRefused,
    Requirement,
)
from gatepass.manager import AsyncTokenManager
from gatepass.tokens import AccessClaims, AsyncTokenVerifier, TokenVerifier

App = TypeVar("App", bound=Callable[..., Any])
"""An ASGI application, or an endpoint function of Starlette."""


class Auth(CommonAuth):
    """Sign-in for ASGI applications: `install` the routes, guard what needs a token.

    Args:
        manager: Issues, verifies, rotates and revokes; closing it stays with its maker. A
            service without sessions gives a verifier, and has guards but no routes.
        authenticate: Takes a user name and a password, finds an `Identity` or `None`.
        login_limit: A limit on failed log-ins per client address; none by default.
        http: Cookies, origins, https and proxies; by default tokens come in headers only.
        invalid_token_status: 401 instead of 403 for forged tokens is plain RFC 6750.
        now: The clock that `fresh` goes by; the one the manager was given.
    """

    takes = (AsyncTokenManager, AsyncTokenVerifier, TokenVerifier)

    def __init__(
        self,
        manager: AsyncTokenManager | AsyncTokenVerifier | TokenVerifier,
        *,
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
            call_plain=call_in_thread,
            now=now,
        )

    def install(self, app: AsgiApp, prefix: str = "/auth") -> AsgiApp:
        """The application with the auth routes in front of it; serve what is returned.

        Raises:
            GuardMisused: It is no ASGI application, as a guard without one is not.
        """
        require_prefix(prefix)
        require_application(app)
        self.warn_of_open_transport()
        if self.gate is None:
            return Front(app, self)
        self.gate.mounted_at = prefix
        return Front(_Routes(self, app, prefix), self)

    def required(
        self,
        *app: Never,
        scopes: Collection[str] | None = None,
        roles: Collection[str] | None = None,
        fresh: timedelta | None = None,
    ) -> Callable[[App], App]:
        """A wrapper that lets only good tokens through to an application.

        The application finds the claims in `scope["gatepass"]`. Preflights, which browsers send
        without credentials, are answered here and do not reach it. An endpoint function of
        Starlette is wrapped too; it has a parameter named `request` or `websocket`.

        Args:
            app: Nothing; it is there to refuse `auth.required(app)`, the call that is missing.
            scopes: All of them must be in the `scope` claim.
            roles: One of them must be the `role` claim, or in it.
            fresh: The password was checked no longer ago than this (RFC 9470).
        """
        require_call("required", app)
        return self._wrapper(Requirement(scopes, roles, fresh), optional=False)

    def optional(self, *app: Never) -> Callable[[App], App]:
        """The same for everybody: `None` without a token; a bad token is still refused."""
        require_call("optional", app)
        return self._wrapper(Requirement(), optional=True)

    async def log_in(
        self,
        subject: str,
        claims: Mapping[str, Any] | None = None,
        *,
        session_claims: Mapping[str, Any] | None = None,
        device: str | None = None,
        epoch: int | None = None,
    ) -> AnswerApp:
        """The answer that logs somebody in who came through a passkey, SSO or a social log-in.

        It is an ASGI application: `await answer(scope, receive, send)` sends it.
        """
        opening = self.open_session(
            subject, claims, session_claims=session_claims, device=device, epoch=epoch
        )
        return AnswerApp(await opening)

    def _wrapper(self, requirement: Requirement, *, optional: bool) -> Callable[[App], App]:
        self.warn_of_open_transport()

        async def find(request: AsgiRequest) -> AccessClaims | None:
            return await self.find_claims(request, requirement, optional=optional)

        def wrap(app: App) -> App:
            if isinstance(app, Front) and self.gate is not None:
                raise GuardMisused(
                    "a guard around the auth routes lets nobody log in: write "
                    "auth.install(auth.required()(app))"
                )
            guarded: App = guard(app, self, find)
            return guarded

        return wrap

    async def find_claims(
        self, request: AsgiRequest, requirement: Requirement, *, optional: bool
    ) -> AccessClaims | None:
        """The claims of a request's token; see `Guard.check`."""
        if self.is_async:
            return await self.guard.acheck(request, requirement, optional=optional)
        return self.guard.check(request, requirement, optional=optional)


class _Routes:
    """The auth routes; what is none of them is the application's."""

    def __init__(self, auth: Auth, app: AsgiApp, prefix: str) -> None:
        self._auth = auth
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        answer = await self._answer(scope, receive) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await send_answer(answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        route, session_id = self._find(str(scope["path"]).removeprefix(scope.get("root_path", "")))
        if route is None:
            return None
        wrong_method = route.require_method(scope["method"])
        if wrong_method is not None:
            return wrong_method
        try:
            body = await read_body(receive) if route.takes_body else b""
        except RequestRefused as refused:
            return self._auth.answer_error(refused)
        return await self._auth.answer(route, AsgiRequest(scope), body, session_id)

    def _find(self, path: str) -> tuple[Route | None, str]:
        if path == KEYS_PATH:
            return KEYS, ""
        if self._auth.gate is None or not path.startswith(f"{self._prefix}/"):
            return None, ""
        return find_route(self._auth.gate, path.removeprefix(self._prefix))
