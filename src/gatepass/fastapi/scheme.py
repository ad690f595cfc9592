"""Dependencies that are security schemes too, so that the document shows what a route asks for.

A dependency costs little by itself and much for every one that it depends on: these depend on
nothing but the connection.
"""

from typing import Final

from fastapi.openapi.models import SecurityBase as SchemeModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from gatepass.fastapi.documents import SCHEME
from gatepass.gate import AuthParts
from gatepass.http import AsgiRequest, Requirement
from gatepass.tokens import AccessClaims

_KEPT: Final = "gatepass.claims"
"""Where a connection keeps what was found out about its token."""


class _Guarding(SecurityBase):
    """What both dependencies have."""

    def __init__(self, auth: AuthParts, requirement: Requirement, model: SchemeModel) -> None:
        self.model = model
        self.scheme_name = " ".join([SCHEME, *requirement.scopes])
        self._auth = auth
        self._guard = auth.guard
        self._requirement = requirement

    async def _find_claims(
        self, connection: HTTPConnection, *, optional: bool
    ) -> AccessClaims | None:
        """The claims of the token, which is verified once however often it is asked for."""
        scope = connection.scope
        kept_by, kept = scope.get(_KEPT, (None, None))
        claims: AccessClaims | None = kept
        if kept_by is self._auth and claims is not None:
            self._guard.require(claims, self._requirement)
            return claims
        request = AsgiRequest(scope)
        if self._auth.is_async:
            claims = await self._guard.acheck(request, self._requirement, optional=optional)
        else:
            claims = self._guard.check(request, self._requirement, optional=optional)
        scope[_KEPT] = (self._auth, claims)
        return claims


class Required(_Guarding):
    """The claims of a token that holds and meets all that is asked."""

    async def __call__(self, connection: HTTPConnection) -> AccessClaims:
        """See `Auth.required`."""
        claims = await self._find_claims(connection, optional=False)
        assert claims is not None  # noqa: S101 - without a token the guard refuses
        return claims


class Optional(_Guarding):
    """The claims, or `None` without a token."""

    async def __call__(self, connection: HTTPConnection) -> AccessClaims | None:
        """See `Auth.optional`."""
        return await self._find_claims(connection, optional=True)
