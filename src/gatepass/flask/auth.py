"""`Auth` of a Flask application: `init_app`, and decorators that guard views."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, Final

from flask import Flask, Response, after_this_request, current_app, has_request_context, request

from gatepass.errors import GuardMisused, StoreUnavailable
from gatepass.flask.guarding import Guard
from gatepass.flask.placement import Placement, require_setup
from gatepass.flask.responses import (
    add_header,
    final,
    keep_first_cors_headers,
    send,
    take_claims,
)
from gatepass.flask.routes import is_route_of_ours, make_blueprint
from gatepass.gate import CommonAuth, require_prefix, run_in_place
from gatepass.http import RequestRefused, Requirement, WsgiRequest, is_preflight
from gatepass.manager import TokenManager
from gatepass.tokens import AccessClaims, TokenVerifier
from gatepass.watches import Watch

_KEPT: Final = "gatepass.claims"
"""The environ's key of the caller's claims; Flask's `g` may outlive a request."""
_NOBODY: Final = (None, None)
_FORGOTTEN: Final = (
    "the HttpPolicy of this Auth has https or CORS rules, and nothing applies them to this "
    "application: call auth.init_app(app)"
)


class Auth(CommonAuth[TokenManager | TokenVerifier, Guard, Guard]):
    """Sign-in for Flask applications: `init_app`, then guard views with `required`.

    `required()` and `optional()` decorate a view. Behind `required()` it finds the claims in
    `auth.claims`, behind `optional()` in `auth.find_claims()`.
    """

    takes = (TokenManager, TokenVerifier)

    def init_app(self, app: Flask, prefix: str = "/auth") -> None:
        """Add the auth routes below the prefix, the key set, and the answers to refusals.

        Raises:
            GuardMisused: The first argument is a blueprint, or no Flask application at all.
        """
        require_prefix(prefix)
        if not isinstance(app, Flask):
            raise GuardMisused(
                f"init_app takes the Flask application, not {type(app).__name__}: guards work in "
                "every blueprint that it registers"
            )
        self.warn_of_open_transport(is_development=app.debug)
        self._placement.install(app)
        take_claims(app)
        if self.gate is not None:
            self.gate.mounted_at = prefix
            app.register_blueprint(make_blueprint(self, self.gate, prefix))
        app.register_error_handler(RequestRefused, self._answer_error)
        app.register_error_handler(StoreUnavailable, self._answer_error)
        if not self.policy.is_silent:
            app.before_request(self._intercept)
        # Flask calls the first one last: extensions such as Flask-CORS have added their headers.
        app.after_request_funcs.setdefault(None, []).insert(0, self._add_headers)

    @cached_property
    def _placement(self) -> Placement:
        return Placement()

    @property
    def claims(self) -> AccessClaims:
        """The caller's claims, in a view that `required` guards.

        Raises:
            RuntimeError: No guard is on this view, or its token is optional and missing.
        """
        claims = self.find_claims()
        if claims is None:
            raise RuntimeError(
                "there is no token: guard the view with auth.required(), or ask "
                "auth.find_claims() where it is optional"
            )
        return claims

    def find_claims(self) -> AccessClaims | None:
        """The caller's claims in a view that `optional` guards, `None` without a token.

        Raises:
            RuntimeError: No guard is on this view, so its token was not verified.
        """
        kept_by, claims = request.environ.get(_KEPT, _NOBODY)
        if kept_by is not self:
            raise RuntimeError(
                "no token was verified: guard the view with auth.required() or auth.optional()"
            )
        found: AccessClaims | None = claims
        return found

    def watch(
        self,
        claims: AccessClaims,
        on_end: Callable[[str], object],
        *,
        require: Callable[[AccessClaims], object] | None = None,
    ) -> Watch[AccessClaims]:
        """A block of `with` that tells when the session of these claims ends.

        See `TokenVerifier.watch`.
        """
        watch: Watch[AccessClaims] = self._verifies.watch(claims, on_end, require=require)
        return watch

    def log_in(
        self,
        subject: str,
        claims: Mapping[str, Any] | None = None,
        *,
        session_claims: Mapping[str, Any] | None = None,
        device: str | None = None,
        epoch: int | None = None,
    ) -> Response:
        """The response that logs in a user who came through a passkey, SSO or a social login.

        Tokens come in cookies where the policy has cookies, and in the body elsewhere. The
        arguments are those of `TokenManager.issue`.
        """
        opening = self.require_gate().open_session(
            subject,
            claims,
            session_claims=session_claims,
            device=device,
            epoch=epoch,
            root_path=WsgiRequest(request.environ).root_path if has_request_context() else "",
        )
        return send(run_in_place(opening))

    def _make_required(self, requirement: Requirement) -> Guard:
        return Guard(partial(self._ask, requirement, optional=False), self._placement.note)

    def _make_optional(self, requirement: Requirement) -> Guard:
        return Guard(partial(self._ask, requirement, optional=True), self._placement.note)

    def _require_setup(self, name: str, given: tuple[object, ...]) -> None:
        require_setup(name, given)

    def _ask(self, requirement: Requirement, *, optional: bool) -> None:
        request.environ[_KEPT] = (self, self._find(requirement, optional=optional))
        after_this_request(self._add_vary)

    def _find(self, requirement: Requirement, *, optional: bool) -> AccessClaims | None:
        """The claims of this request; every other answer of a guard ends the request."""
        request.environ.pop(_KEPT, None)
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        if not self.policy.is_silent and not self._placement.holds(app):
            raise GuardMisused(_FORGOTTEN)
        asked = WsgiRequest(request.environ)
        preflight = self.answer_preflight(asked)
        if preflight is not None:
            raise final(preflight)
        try:
            return self.guard.check(asked, requirement, optional=optional)
        except (RequestRefused, StoreUnavailable) as error:
            raise final(self.answer_error(error)) from error

    def _answer_error(self, error: RequestRefused | StoreUnavailable) -> Response:
        return send(self.answer_error(error))

    def _intercept(self) -> Response | None:
        answer = self.intercept(WsgiRequest(request.environ))
        return None if answer is None else send(answer)

    def _add_vary(self, response: Response) -> Response:
        add_header(response, "Vary", self.vary)
        return response

    def _add_headers(self, response: Response) -> Response:
        asked = WsgiRequest(request.environ)
        if is_route_of_ours() or is_preflight(asked):
            keep_first_cors_headers(response)
        for name, value in self.policy.headers(asked):
            add_header(response, name, value)
        self.explain_preflight(asked, response.headers.get)
        return response
