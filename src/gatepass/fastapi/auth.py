"""`Auth`: what an application holds; dependencies that guard routes, and `install`."""

import time
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Response, Security
from starlette.requests import HTTPConnection

from gatepass.errors import TokenMissing
from gatepass.fastapi import documents
from gatepass.fastapi.answers import answer_errors, send
from gatepass.fastapi.hooks import Authenticate, LoginLimit
from gatepass.fastapi.login import Login
from gatepass.fastapi.scheme import BearerScheme, find_token
from gatepass.fastapi.session_routes import add_session_routes
from gatepass.fastapi.token_routes import add_token_routes
from gatepass.http import ACCESS_DOOR, Requirement, answer_json, door
from gatepass.manager import AsyncTokenManager
from gatepass.tokens import AccessClaims

_KEYS_CACHE = "public, max-age=300"


class Auth:
    """Sign-in for one FastAPI application: `install` it, then guard routes with `required`.

    Args:
        manager: Issues, verifies, rotates and revokes; closing it stays with its maker.
        authenticate: Takes a user name and a password, finds an `Identity` or `None`.
        login_limit: A limit on failed log-ins per client address; none by default.
        invalid_token_status: 401 instead of 403 for forged tokens is plain RFC 6750.
        now: The clock that `fresh` goes by; the one the manager was given.
    """

    def __init__(
        self,
        manager: AsyncTokenManager,
        *,
        authenticate: Authenticate,
        login_limit: LoginLimit | None = None,
        invalid_token_status: Literal[401, 403] = 403,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(manager, AsyncTokenManager):
            raise TypeError(
                f"gatepass.fastapi.Auth takes an AsyncTokenManager, not a {type(manager).__name__}"
            )
        self._manager = manager
        self._login = Login(manager=manager, authenticate=authenticate, limit=login_limit)
        self._invalid_token_status = invalid_token_status
        self._now = now
        self._scheme = BearerScheme()

    def install(self, app: FastAPI, prefix: str = "/auth") -> None:
        """Add the auth routes below the prefix, the key set, and the answers to refusals."""
        if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
            raise ValueError('prefix begins with "/" and does not end with it')
        self._scheme.point_to(f"{prefix}/login")
        router = APIRouter(prefix=prefix, tags=["auth"])
        add_token_routes(router, self._login, self._scheme)
        add_session_routes(router, self._manager, self.required())
        app.include_router(router)
        app.get("/.well-known/jwks.json", tags=["auth"], **documents.KEYS)(self._keys)
        status = self._invalid_token_status
        answer_errors(app, invalid_token_status=status)
        documents.document_refusals(app, self._scheme.scheme_name, invalid_token_status=status)

    def required(
        self,
        *,
        scopes: Collection[str] = (),
        roles: Collection[str] = (),
        fresh: timedelta | None = None,
    ) -> Callable[..., Awaitable[AccessClaims]]:
        """A dependency: the claims of a token that holds and meets all that is asked.

        Args:
            scopes: All of them must be in the `scope` claim.
            roles: One of them must be the `role` claim, or in it.
            fresh: The password was checked no longer ago than this (RFC 9470).
        """
        requirement = Requirement(scopes, roles, fresh)

        async def require(
            claims: Annotated[AccessClaims, Depends(self._verify)],
            _: Annotated[str | None, Security(self._scheme, scopes=list(scopes))],
        ) -> AccessClaims:
            requirement.check(
                claims, scopes=claims.scopes, auth_time=claims.auth_time, now=self._now()
            )
            return claims

        return require

    def optional(self) -> Callable[..., Awaitable[AccessClaims | None]]:
        """A dependency: the claims, or `None` without a token; a bad token is still refused."""

        async def permit(
            connection: HTTPConnection, token: Annotated[str | None, Security(self._scheme)]
        ) -> AccessClaims | None:
            return None if token is None else await self._verify(connection)

        return permit

    async def _verify(self, connection: HTTPConnection) -> AccessClaims:
        """The claims of the connection's token; FastAPI runs it once per request."""
        token = find_token(connection)
        with door(ACCESS_DOOR):
            if token is None:
                raise TokenMissing
            return await self._manager.verify(token)

    async def _keys(self) -> Response:
        """The public keys that verify access tokens (RFC 7517 §5)."""
        keys = self._manager.access_keys.current().public_jwks()
        return send(answer_json(keys, cache=_KEYS_CACHE))
