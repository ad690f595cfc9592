"""`Auth`: what an application holds; dependencies that guard routes, and `install`."""

import inspect
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, Literal, Never

from fastapi import FastAPI, Response
from fastapi.openapi.models import HTTPBearer, OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.openapi.models import SecurityBase as SchemeModel
from starlette.concurrency import run_in_threadpool

from gatepass.asgi.front import Front
from gatepass.errors import GuardMisused
from gatepass.fastapi.documents import extend_document
from gatepass.fastapi.placement import check_at_start
from gatepass.fastapi.responses import answer_errors, send
from gatepass.fastapi.routes import add_routes
from gatepass.fastapi.scheme import Optional, Required, misused
from gatepass.gate import Authenticate, CommonAuth, LoginLimit, require_call, require_prefix
from gatepass.http import HttpPolicy, Requirement
from gatepass.manager import AsyncTokenManager
from gatepass.tokens import AccessClaims, AsyncTokenVerifier, TokenVerifier


class Auth(CommonAuth):
    """Sign-in for one FastAPI application: `install` it, then guard routes with `required`.

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
            call_plain=_call_plain,
            now=now,
        )
        self._flow = OAuthFlowPassword(tokenUrl="auth/login")
        self._scheme: SchemeModel = (
            HTTPBearer() if self.gate is None else OAuth2(flows=OAuthFlows(password=self._flow))
        )

    def install(self, app: FastAPI, prefix: str = "/auth") -> None:
        """Add the auth routes below the prefix, the key set, and the answers to refusals.

        Guards among `FastAPI(dependencies=[…])` do not apply to the auth routes and the key set.

        The application refuses to start, and every request, with `GuardMisused` where a guard
        stands without its `Depends(…)`: FastAPI would let everybody in. The same happens where
        nobody could log in, since a dependency of the whole application asks a guard.

        Raises:
            GuardMisused: The first argument is a router, which answers no refusals.
        """
        require_prefix(prefix)
        if not isinstance(app, FastAPI):
            raise GuardMisused(
                f"install takes the FastAPI application, not {type(app).__name__}: guards work in "
                "every router that it includes"
            )
        self.warn_of_open_transport(is_development=app.debug)
        if self.gate is not None:
            self.gate.mounted_at = prefix
        # A relative address also holds behind a proxy's prefix.
        self._flow.tokenUrl = f"{prefix}/login".lstrip("/")
        add_routes(app, self, prefix)
        self.answer_refusals(app)
        extend_document(
            app,
            self._scheme.model_dump(by_alias=True, exclude_none=True, mode="json"),
            invalid_token_status=self.invalid_token_status,
            with_cookies=self.policy.cookies is not None,
        )

    def answer_refusals(self, app: FastAPI) -> None:
        """Answer refusals in an application that is not below the one of `install`.

        Its https and CORS rules are those of the policy, and its answers tell caches whose they
        are. An application that is mounted in the one of `install` needs no call: the outer one
        does all that for it.
        """
        answer_errors(app, self)
        app.add_middleware(check_at_start, application=app)
        app.add_middleware(Front, auth=self)

    def required(
        self,
        *view: Never,
        scopes: Collection[str] | None = None,
        roles: Collection[str] | None = None,
        fresh: timedelta | None = None,
    ) -> Callable[..., Awaitable[AccessClaims]]:
        """A dependency: the claims of a token that holds and meets all that is asked.

        Args:
            view: Nothing; it is there to refuse `@auth.required` without parentheses.
            scopes: All of them must be in the `scope` claim.
            roles: One of them must be the `role` claim, or in it.
            fresh: The password was checked no longer ago than this (RFC 9470).
        """
        if view:
            raise misused("required")
        require_call("required", view)
        return Required(self, Requirement(scopes, roles, fresh), self._scheme)

    def optional(self, *view: Never) -> Callable[..., Awaitable[AccessClaims | None]]:
        """A dependency: the claims, or `None` without a token; a bad token is still refused."""
        if view:
            raise misused("optional")
        require_call("optional", view)
        return Optional(self, Requirement(), self._scheme)

    async def log_in(
        self,
        subject: str,
        claims: Mapping[str, Any] | None = None,
        *,
        session_claims: Mapping[str, Any] | None = None,
        device: str | None = None,
        epoch: int | None = None,
    ) -> Response:
        """The response that logs somebody in who came through a passkey, SSO or a social log-in.

        Tokens come in cookies where the policy has cookies, and in the body elsewhere.
        """
        opening = self.open_session(
            subject, claims, session_claims=session_claims, device=device, epoch=epoch
        )
        return send(await opening)


def _call_plain(function: Callable[..., Any], /, *args: Any) -> Any:
    """Call it where plain functions of routes run, and coroutine functions on the loop."""
    return (
        function(*args)
        if inspect.iscoroutinefunction(function)
        else run_in_threadpool(function, *args)
    )
