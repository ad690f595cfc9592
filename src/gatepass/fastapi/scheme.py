"""Dependencies that are security schemes too, so that the document shows what a route asks for.

A dependency costs little by itself and much for every one that it depends on: these depend on
nothing but the connection.
"""

from collections.abc import Coroutine
from inspect import signature
from typing import Any, Final, NoReturn

from fastapi.openapi.models import SecurityBase as SchemeModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from gatepass.asgi.front import GUARDED
from gatepass.errors import GatepassError, GuardMisused, StoreUnavailable
from gatepass.fastapi.documents import SCHEME
from gatepass.gate import FORGOTTEN, AuthParts
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

    def __init__(self, auth: AuthParts, requirement: Requirement, model: SchemeModel) -> None:
        self.model = model
        self.scheme_name = " ".join([SCHEME, *(requirement.scopes or ())])
        self._auth = auth
        self._guard = auth.guard
        self._requirement = requirement
        vars(self).update({"__call__": self.ask, "__signature__": signature(self.ask)})

    def __call__(
        self, *view: object, connection: HTTPConnection | None = None
    ) -> Coroutine[Any, Any, Any]:
        """See `Auth.required` and `Auth.optional`.

        Raises:
            GuardMisused: It was put above a view, or called by hand.
        """
        if view or connection is None:
            raise misused(type(self).__name__.lower())
        return self.ask(connection=connection)

    async def ask(self, *, connection: HTTPConnection) -> AccessClaims | None:
        """The claims of the connection's token."""
        raise NotImplementedError

    @property
    def dependency(self) -> NoReturn:
        """What FastAPI looks for in `dependencies=[auth.required()]`.

        Raises:
            GuardMisused: It has to be `Depends(auth.required())`.
        """
        raise GuardMisused("write Depends(auth.required()) where a route lists its dependencies")

    async def _find_claims(
        self, connection: HTTPConnection, *, optional: bool
    ) -> AccessClaims | None:
        """The claims of the token, which is verified once however often it is asked for."""
        scope = connection.scope
        try:
            kept_by, kept = scope.get(_KEPT, _NOBODY)
            claims: AccessClaims | None = kept
            if kept_by is self._auth and claims is not None:
                self._guard.require(claims, self._requirement)
                return claims
            request = AsgiRequest(scope)
            if self._auth.is_async:
                claims = await self._guard.acheck(request, self._requirement, optional=optional)
            else:
                claims = self._guard.check(request, self._requirement, optional=optional)
        except (RequestRefused, StoreUnavailable) as error:
            _require_answers(connection, error)
            scope.get(GUARDED, []).clear()
            raise
        scope[_KEPT] = (self._auth, claims)
        scope.get(GUARDED, []).append(self)
        return claims


class Required(Guarding):
    """The claims of a token that holds and meets all that is asked."""

    async def ask(self, *, connection: HTTPConnection) -> AccessClaims:
        """See `Auth.required`."""
        claims = await self._find_claims(connection, optional=False)
        assert claims is not None  # noqa: S101 - without a token the guard refuses
        return claims


class Optional(Guarding):
    """The claims, or `None` without a token."""

    async def ask(self, *, connection: HTTPConnection) -> AccessClaims | None:
        """See `Auth.optional`."""
        return await self._find_claims(connection, optional=True)


def misused(name: str) -> GuardMisused:
    """What to raise where a guard, or the method that makes it, is put above a view."""
    return GuardMisused(
        "a guard of FastAPI is a dependency, and no decorator: give the view a parameter, "
        f"claims: Annotated[{_KINDS[name]}, Depends(auth.{name}())]"
    )


def _require_answers(connection: HTTPConnection, error: GatepassError) -> None:
    """Return when something in the application answers refusals, as `install` has it.

    Raises:
        GuardMisused: Nothing does.
    """
    if not any(isinstance(error, kind) for kind in _handled(connection)):
        raise GuardMisused(
            FORGOTTEN.format(
                call="auth.install(app), or auth.answer_refusals(app) where it is mounted"
            )
        ) from error


def _handled(connection: HTTPConnection) -> list[type]:
    handlers = connection.app.exception_handlers
    return [kind for kind in handlers if isinstance(kind, type)]
