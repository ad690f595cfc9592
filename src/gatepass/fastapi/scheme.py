"""Dependencies that are security schemes too, so that the document shows each route's guard.

A dependency costs little by itself and much for every one that it depends on: these depend on
nothing but the connection and the scopes that `Security` adds to theirs.
"""

from collections.abc import AsyncIterator
from functools import partial
from inspect import signature
from typing import Any, Final, NoReturn

from fastapi import __version__ as fastapi_version
from fastapi.openapi.models import SecurityBase as SchemeModel
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from gatepass.asgi.common_auth import AnyAsgiAuth
from gatepass.asgi.front import GUARDED, Answered, Verdict
from gatepass.asgi.messages import Scope
from gatepass.asgi.watching import Ended, note_requirement, watching
from gatepass.errors import GuardMisused, StoreUnavailable
from gatepass.fastapi.documents import OWN, SCHEME
from gatepass.gate import FORGOTTEN
from gatepass.http import AsgiRequest, RequestRefused, Requirement
from gatepass.tokens import AccessClaims

_KEPT: Final = "gatepass.claims"
"""The key of a scope under which the claims of its token are kept."""
_NOBODY: Final = (None, None)
_LATE_EXITS: Final = (0, 118)
_FORGOTTEN_WATCH: Final = (
    "a guard with watch=True ends connections through auth.install(app): call it"
)
_KINDS: Final = {"required": "AccessClaims", "optional": "AccessClaims | None"}
"""The type of the claims that each guard finds."""


class Guarding(SecurityBase):
    """The result of `required` and `optional`.

    FastAPI is shown `ask`, a coroutine function, or `ask_and_watch`, which yields, and gives
    its arguments by name. The call itself is a plain one, so that a guard used as a decorator,
    which would guard nothing, raises where it is written.
    """

    def __init__(
        self,
        auth: AnyAsgiAuth,
        requirement: Requirement,
        model: SchemeModel,
        *,
        optional: bool,
        watches: bool = False,
    ) -> None:
        self.model = model
        self.scheme_name = " ".join([SCHEME, *(requirement.scopes or ())])
        self.is_optional = optional
        self._auth = auth
        self._requirement = requirement
        self._widened: dict[tuple[str, ...], Requirement] = {}
        self.watches = watches
        self._shown = self.ask_and_watch if watches else self.ask
        vars(self).update({"__call__": self._shown, "__signature__": signature(self._shown)})

    def __call__(
        self,
        *view: object,
        connection: HTTPConnection | None = None,
        security: SecurityScopes | None = None,
    ) -> Any:
        """See `Auth.required` and `Auth.optional`.

        Raises:
            GuardMisused: The guard was put above a view, or called by hand.
        """
        if view or connection is None or security is None:
            raise misused("optional" if self.is_optional else "required")
        return self._shown(connection=connection, security=security)

    async def ask(
        self, *, connection: HTTPConnection, security: SecurityScopes
    ) -> AccessClaims | None:
        """The claims of the connection's token, which is verified once for all guards."""
        scope = connection.scope
        requirement = self._widen(security.scopes) if security.scopes else self._requirement
        verdict = scope.get(GUARDED)
        try:
            kept_by, kept = scope.get(_KEPT, _NOBODY)
            claims: AccessClaims | None = kept
            if kept_by is self._auth and claims is not None:
                self._auth.guard.require(claims, requirement)
                note_requirement(self._auth, scope, requirement)
                return claims
            request = AsgiRequest(scope)
            if not _is_own(scope):
                self._answer_preflight(request)
            claims = await self._auth.find_claims(request, requirement, optional=self.is_optional)
        except (RequestRefused, StoreUnavailable, Answered) as error:
            if self.is_optional and isinstance(error, RequestRefused) and _is_own(scope):
                return None
            self._tell(connection, verdict, error)
            raise
        scope[_KEPT] = (self._auth, claims)
        note_requirement(self._auth, scope, requirement)
        if verdict is not None:
            verdict.vary = max(verdict.vary, self._auth.vary, key=len)
        return claims

    async def ask_and_watch(
        self, *, connection: HTTPConnection, security: SecurityScopes
    ) -> AsyncIterator[AccessClaims]:
        """`ask`, and the rest of the connection inside a watch."""
        claims = await self.ask(connection=connection, security=security)
        assert claims is not None  # noqa: S101 - it is required
        verdict: Verdict | None = connection.scope.get(GUARDED)
        if verdict is None:
            raise GuardMisused(_FORGOTTEN_WATCH)
        try:
            async with watching(self._auth, connection.scope, claims) as verdict.line.watch:
                yield claims
        except Ended as ended:
            verdict.ended = ended
            self._tell(connection, verdict, ended)
            raise

    @property
    def dependency(self) -> NoReturn:
        """The attribute that FastAPI reads of `dependencies=[auth.required()]`.

        Raises:
            GuardMisused: Always; the list takes `Depends(auth.required())`.
        """
        raise GuardMisused("write Depends(auth.required()) where a route lists its dependencies")

    def _widen(self, scopes: list[str]) -> Requirement:
        """The guard's requirement and the scopes of every `Security` above it."""
        asked = tuple(scopes)
        found = self._widened.get(asked)
        if found is None:
            both = tuple(dict.fromkeys((*(self._requirement.scopes or ()), *asked)))
            own = self._requirement
            found = Requirement(both, own.roles or None, own.fresh, own.kinds or None)
            self._widened[asked] = found
        return found

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
        """Pass the answer to the `Front`, which sends it if other error handlers do not."""
        if verdict is None:
            _require_answers(connection, error)
            return
        verdict.vary = ""
        if isinstance(error, Answered):
            verdict.refuse = partial(getattr, error, "answer")
        else:
            verdict.refuse = partial(self._auth.answer_error, error)


def require_late_exits() -> None:
    """Return when FastAPI leaves dependencies that yield after the answer was sent.

    Raises:
        GuardMisused: This release leaves them before, so that a stream would not be watched.
    """
    if tuple(map(int, fastapi_version.split(".")[:2])) < _LATE_EXITS:
        raise GuardMisused(
            f"watch=True needs FastAPI {'.'.join(map(str, _LATE_EXITS))} or later, "
            f"and this is {fastapi_version}"
        )


def misused(name: str) -> GuardMisused:
    """The error for a guard, or the method that makes it, above a view."""
    return GuardMisused(
        "a guard of FastAPI is a dependency, and no decorator: give the view a parameter, "
        f"claims: Annotated[{_KINDS[name]}, Depends(auth.{name}())]"
    )


def _require_answers(connection: HTTPConnection, error: Exception) -> None:
    """Return when a handler of the application answers refusals, as `install` adds it.

    Raises:
        GuardMisused: No handler does, or only one for every `Exception`, which answers 500.
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
