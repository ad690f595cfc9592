"""`Auth` of a FastAPI application: `install`, and dependencies that guard routes."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, TypeVar

from fastapi import FastAPI, Response
from fastapi.openapi.models import HTTPBearer, OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.openapi.models import SecurityBase as SchemeModel
from starlette.concurrency import run_in_threadpool

from gatepass.asgi.common_auth import CommonAsgiAuth
from gatepass.asgi.front import Front
from gatepass.errors import GuardMisused
from gatepass.fastapi.documents import extend_document
from gatepass.fastapi.placement import check_at_start
from gatepass.fastapi.responses import answer_errors, send
from gatepass.fastapi.routes import add_routes
from gatepass.fastapi.scheme import Guarding, misused, require_late_exits
from gatepass.gate import require_prefix
from gatepass.http import Answer, Requirement
from gatepass.tokens import AccessClaims

T = TypeVar("T")
Guard = Callable[..., Awaitable[T]]
"""A dependency of FastAPI."""


class Auth(CommonAsgiAuth[Guard[AccessClaims], Guard[AccessClaims | None], Response]):
    """Sign-in for one FastAPI application: `install` it, then guard routes with `required`.

    `Depends(auth.required())` gives a route the claims, `Depends(auth.optional())` the claims or
    `None`.
    """

    @cached_property
    def _flow(self) -> OAuthFlowPassword:
        return OAuthFlowPassword(tokenUrl="auth/login")

    @cached_property
    def _scheme(self) -> SchemeModel:
        if self.gate is None:
            return HTTPBearer()
        return OAuth2(flows=OAuthFlows(password=self._flow))

    def install(self, app: FastAPI, prefix: str = "/auth") -> None:
        """Add the auth routes below the prefix, the key set, and the answers to refusals.

        Guards among `FastAPI(dependencies=[…])` do not apply to the auth routes and the key set.

        The application raises `GuardMisused` at its start and for every request if a guard
        stands without its `Depends(…)`: FastAPI would let everybody in. So it does if nobody
        could log in, because a dependency of the whole application calls a guard.

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
            self,
        )

    def answer_refusals(self, app: FastAPI) -> None:
        """Answer refusals in an application that is not below the one of `install`.

        Its https and CORS rules are those of the policy, and its guarded answers have `Vary`. An
        application that is mounted in the one of `install` needs no call: the outer one does all
        that for it.
        """
        answer_errors(app, self)
        app.add_middleware(check_at_start, application=app)
        app.add_middleware(Front, auth=self)

    def _require_setup(self, name: str, given: tuple[object, ...]) -> None:
        if given:
            raise misused(name)
        super()._require_setup(name, given)

    def _make_required(self, requirement: Requirement) -> Guard[AccessClaims]:
        return Guarding(self, requirement, self._scheme, optional=False)

    def _make_watching(self, requirement: Requirement) -> Guard[AccessClaims]:
        self._require_watchable()
        require_late_exits()
        return Guarding(self, requirement, self._scheme, optional=False, watches=True)

    def _make_optional(self, requirement: Requirement) -> Guard[AccessClaims | None]:
        return Guarding(self, requirement, self._scheme, optional=True)

    def _make_response(self, answer: Answer) -> Response:
        return send(answer)

    @staticmethod
    def _call_in_thread(function: Callable[..., Any], /, *args: Any) -> Any:
        return run_in_threadpool(function, *args)
