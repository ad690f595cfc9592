"""`Auth` for ASGI: `install` puts the routes in front of an application, `required` guards one."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from gatepass.asgi.common_auth import CommonAsgiAuth
from gatepass.asgi.front import Front
from gatepass.asgi.guarding import guard, require_application
from gatepass.asgi.messages import AnswerApp, AsgiApp, Receive, Scope, Send, read_body, send_answer
from gatepass.asgi.watching import note_requirement
from gatepass.errors import GuardMisused
from gatepass.gate import KEYS, Gate, Route, find_route, require_prefix, routes_of
from gatepass.http import Answer, AsgiRequest, Requirement
from gatepass.tokens import AccessClaims

App = TypeVar("App", bound=Callable[..., Any])
"""An ASGI application, or an endpoint function of Starlette."""


class Wrapper(Protocol):
    """A guard: a function that wraps an application."""

    def __call__(self, app: App, /) -> App:
        """The guarded application."""
        ...


class Auth(CommonAsgiAuth[Wrapper, Wrapper, AnswerApp]):
    """Sign-in for ASGI applications: `install` the routes, guard what needs a token.

    `required()` and `optional()` wrap an application, which finds the claims in
    `scope["gatepass"]`: behind `optional()` they are `None` without a token. Preflights, which
    browsers send without credentials, are answered by the guard. An endpoint function of
    Starlette is wrapped too; it has a parameter named `request` or `websocket`.

    The response of `log_in` is an ASGI application: `await answer(scope, receive, send)`.
    """

    def install(self, app: AsgiApp, prefix: str = "/auth") -> AsgiApp:
        """The application with the auth routes in front of it; serve the returned one.

        Raises:
            GuardMisused: `app` is no ASGI application; a guard around nothing is none.
        """
        require_prefix(prefix)
        require_application(app)
        self.warn_of_open_transport()
        if self.gate is None:
            return Front(app, self)
        self.gate.mounted_at = prefix
        return Front(_Routes(self, self.gate, app, prefix), self)

    def _make_required(self, requirement: Requirement) -> Wrapper:
        return self._make_wrapper(requirement, optional=False)

    def _make_watching(self, requirement: Requirement) -> Wrapper:
        self._require_watchable()
        return self._make_wrapper(requirement, optional=False, watches=True)

    def _make_optional(self, requirement: Requirement) -> Wrapper:
        return self._make_wrapper(requirement, optional=True)

    def _make_wrapper(
        self, requirement: Requirement, *, optional: bool, watches: bool = False
    ) -> Wrapper:
        self.warn_of_open_transport()

        async def find(request: AsgiRequest, scope: Scope) -> AccessClaims | None:
            claims = await self.find_claims(request, requirement, optional=optional)
            note_requirement(self, scope, requirement)
            return claims

        def wrap(app: App) -> App:
            if isinstance(app, Front) and self.gate is not None:
                raise GuardMisused(
                    "a guard around the auth routes lets nobody log in: write "
                    "auth.install(auth.required()(app))"
                )
            guarded: App = guard(app, self, find, watches=watches)
            return guarded

        return wrap

    def _make_response(self, answer: Answer) -> AnswerApp:
        return AnswerApp(answer)

    @staticmethod
    def _call_in_thread(function: Callable[..., Any], /, *args: Any) -> Any:
        return asyncio.to_thread(function, *args)


class _Routes:
    """The auth routes in front of an application."""

    def __init__(self, auth: Auth, gate: Gate, app: AsgiApp, prefix: str) -> None:
        self._auth = auth
        self._app = app
        self._prefix = prefix
        self._routes = routes_of(gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        answer = await self._answer(scope, receive) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await send_answer(answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        root_path = scope.get("root_path", "")
        path = str(scope["path"]).removeprefix(root_path)
        if root_path.endswith("/") and not path.startswith("/"):
            path = f"/{path}"  # the slash was both the root path's end and the path's begin
        route, session_id = self._find(path)
        if route is None:
            return None
        read = partial(read_body, receive)
        return await self._auth.answer(route, AsgiRequest(scope), read, session_id)

    def _find(self, path: str) -> tuple[Route | None, str]:
        if path == KEYS.path:
            return KEYS, ""
        if not path.startswith(f"{self._prefix}/"):
            return None, ""
        return find_route(self._routes, path.removeprefix(self._prefix))
