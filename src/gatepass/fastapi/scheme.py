"""Dependencies that are security schemes too, so that the document shows what a route asks for.

A dependency costs little by itself and much for every one that it depends on: these depend on
nothing but the connection and the scopes that `Security` adds to theirs.
"""

from collections.abc import Coroutine
from functools import partial
from inspect import signature
from typing import Any, Final, NoReturn

from fastapi.openapi.models import SecurityBase as SchemeModel
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from gatepass.asgi.front import GUARDED, Answered, Verdict
from gatepass.asgi.messages import Scope
from gatepass.errors import GuardMisused, StoreUnavailable
from gatepass.fastapi.documents import OWN, SCHEME
from gatepass.gate import FORGOTTEN, CommonAuth
from gatepass.http import AsgiRequest, RequestRefused, Requirement
from gatepass.tokens import AccessClaims

_KEPT: Final = "gatepass.claims"
"""Where a connection keeps what was found out about its token."""
_NOBODY: Final = (None, None)
_KINDS: Final = {"required": "AccessClaims", "optional": "AccessClaims | None"}
"""What each guard finds."""


class Guarding(SecurityBase):
    """What both dependencies have.

    FastAPI is shown `ask`, a coroutine function, and gives its argument by name. The call itself
    is a plain one, so that a guard used as a decorator, which would guard nothing, is told where
    it is written.
    """

    def __init__(self, auth: CommonAuth, requirement: Requirement, model: SchemeModel) -> None:
        self.model = model
        self.scheme_name = " ".join([SCHEME, *(requirement.scopes or ())])
        self._auth = auth
        self._guard = auth.guard
        self._requirement = requirement
        self._widened: dict[tuple[str, ...], Requirement] = {}
        vars(self).update({"__call__": self.ask, "__signature__": signature(self.ask)})

    def __call__(
        self,
        *view: object,
        connection: HTTPConnection | None = None,
        security: SecurityScopes | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """See `Auth.required` and `Auth.optional`.

        Raises:
            GuardMisused: The guard was put above a view, or called by hand.
        """
        if view or connection is None or security is None:
            raise misused(type(self).__name__.lower())
        return self.ask(connection=connection, security=security)

    async def ask(
        self, *, connection: HTTPConnection, security: SecurityScopes
    ) -> AccessClaims | None:
        """The claims of the connection's token."""
        raise NotImplementedError

    @property
    def dependency(self) -> NoReturn:
        """What FastAPI looks for in `dependencies=[auth.required()]`.

        Raises:
            GuardMisused: It has to be `Depends(auth.required())`.
        """
        raise GuardMisused("write Depends(auth.required()) where a route lists its dependencies")

    def _widen(self, scopes: list[str]) -> Requirement:
        """The guard's requirement and the scopes of every `Security` above it."""
        asked = tuple(scopes)
        found = self._widened.get(asked)
        if found is None:
            own = self._requirement.scopes or ()
            both = tuple(dict.fromkeys((*own, *asked)))
            found = Requirement(both, self._requirement.roles or None, self._requirement.fresh)
            self._widened[asked] = found
        return found

    async def _find_claims(
        self, connection: HTTPConnection, security: SecurityScopes, *, optional: bool
    ) -> AccessClaims | None:
        """The claims of the token, which is verified once however often it is asked for."""
        scope = connection.scope
        requirement = self._widen(security.scopes) if security.scopes else self._requirement
        verdict = scope.get(GUARDED)
        try:
            kept_by, kept = scope.get(_KEPT, _NOBODY)
            claims: AccessClaims | None = kept
            if kept_by is self._auth and claims is not None:
                self._guard.require(claims, requirement)
                return claims
            request = AsgiRequest(scope)
            self._answer_preflight(request)
            if self._auth.is_async:
                claims = await self._guard.acheck(request, requirement, optional=optional)
            else:
                claims = self._guard.check(request, requirement, optional=optional)
        except (RequestRefused, StoreUnavailable, Answered) as error:
            if optional and isinstance(error, RequestRefused) and _is_own(scope):
                return None
            self._tell(connection, verdict, error)
            raise
        scope[_KEPT] = (self._auth, claims)
        if verdict is not None:
            verdict.vary = max(verdict.vary, self._auth.vary, key=len)
        return claims

    def _answer_preflight(self, request: AsgiRequest) -> None:
        answer = self._auth.answer_preflight(request)
        if answer is not None:
            raise Answered(answer)

    def _tell(
        self,
        connection: HTTPConnection,
        verdict: Verdict | None,
        error: RequestRefused | StoreUnavailable | Answered,
    ) -> None:
        """Tell the `Front`, which answers where other error handlers fail to."""
        if verdict is None:
            _require_answers(connection, error)
            return
        verdict.vary = ""
        if isinstance(error, Answered):
            verdict.refusal = error.give
        else:
            verdict.refusal = partial(self._auth.answer_error, error)


class Required(Guarding):
    """The claims of a token that holds and meets all that is asked."""

    async def ask(self, *, connection: HTTPConnection, security: SecurityScopes) -> AccessClaims:
        """See `Auth.required`."""
        claims = await self._find_claims(connection, security, optional=False)
        assert claims is not None  # noqa: S101 - without a token the guard refuses
        return claims


class Optional(Guarding):
    """The claims, or `None` without a token."""

    async def ask(
        self, *, connection: HTTPConnection, security: SecurityScopes
    ) -> AccessClaims | None:
        """See `Auth.optional`."""
        return await self._find_claims(connection, security, optional=True)


def misused(name: str) -> GuardMisused:
    """What to raise where a guard, or the method that makes it, is put above a view."""
    return GuardMisused(
        "a guard of FastAPI is a dependency, and no decorator: give the view a parameter, "
        f"claims: Annotated[{_KINDS[name]}, Depends(auth.{name}())]"
    )


def _require_answers(connection: HTTPConnection, error: Exception) -> None:
    """Return when a handler of the application answers refusals, as `install` adds it.

    Raises:
        GuardMisused: None does, or only one for every `Exception`, which answers 500.
    """
    if not any(isinstance(error, kind) for kind in _handled(connection)):
        raise GuardMisused(
            FORGOTTEN.format(
                call="auth.install(app), or auth.answer_refusals(app) where it is mounted"
            )
        ) from error


def _is_own(scope: Scope) -> bool:
    """Whether this is an auth route: it asks by itself, and with a stale token users log in."""
    return str(getattr(scope.get("route"), "name", "")).startswith(OWN)


def _handled(connection: HTTPConnection) -> list[type]:
    handlers = connection.app.exception_handlers
    return [kind for kind in handlers if isinstance(kind, type) and kind is not Exception]
