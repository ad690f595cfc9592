"""FastAPI: an empty dependency, gatepass, fastapi-users, AuthX, and PyJWT by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
from authx import AuthX, AuthXConfig
from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi_users import BaseUserManager, FastAPIUsers, IntegerIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import BaseUserDatabase

from benchmarks.frameworks.stage import (
    BASE,
    BODY,
    GATEPASS,
    OWN,
    REVOKED,
    SECRET,
    App,
    Stage,
    peers_claims,
)
from benchmarks.scene import AUDIENCE, ISSUER, SUBJECT
from gatepass import AsyncTokenManager
from gatepass.fastapi import Auth
from gatepass.revocations.sqlite import AsyncSqliteReplica
from gatepass.stores.sql import AsyncSqlStore

_FASTAPI_USERS = "fastapi-users:auth"


def fastapi_apps(stage: Stage) -> dict[str, App]:
    """One application each, with one route that depends on the caller."""
    return {
        BASE: App(_app(_nothing).__call__, is_asgi=True, is_open=True),
        GATEPASS: App(_gatepass(stage).__call__, stage.token, is_asgi=True),
        "fastapi-users": App(
            _fastapi_users().__call__,
            jwt.encode(peers_claims(sub="1", aud=_FASTAPI_USERS), SECRET),
            is_asgi=True,
        ),
        "AuthX": _authx(),
        "PyJWT by hand": App(
            _app(_by_hand).__call__, jwt.encode(peers_claims(), SECRET), is_asgi=True
        ),
    }


def _app(dependency: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/me")
    async def me(caller: Annotated[Any, Depends(dependency)]) -> Response:
        del caller
        return Response(BODY, media_type="application/json")

    return app


async def _nothing() -> None:
    """The empty dependency."""


def _gatepass(stage: Stage) -> FastAPI:
    store = AsyncSqlStore.from_url(stage.url)
    manager = AsyncTokenManager(
        stage.policy,
        access_keys=stage.access_key,
        refresh_keys=stage.refresh_key,
        store=store,
        revocations=AsyncSqliteReplica(store),
    )
    auth = Auth(manager)
    app = _app(auth.required())
    auth.install(app)
    return app


_bearer = HTTPBearer()


async def _by_hand(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)],
) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            credentials.credentials,
            SECRET,
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "sub", "iat", "jti"]},
        )
    except jwt.PyJWTError:
        raise HTTPException(401) from None
    if claims["jti"] in REVOKED:
        raise HTTPException(401)
    return claims


def _authx() -> App:
    config = AuthXConfig(
        JWT_SECRET_KEY=SECRET,
        JWT_TOKEN_LOCATION=["headers"],
        JWT_DECODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_ENCODE_ISSUER=ISSUER,
    )
    auth: AuthX[Any] = AuthX(config=config)

    async def is_revoked(token: str, **_: Any) -> bool:
        return token in REVOKED

    auth.set_token_blocklist(is_revoked)
    app = _app(auth.access_token_required)
    auth.handle_errors(app)
    return App(app.__call__, auth.create_access_token(SUBJECT, data=dict(OWN)), is_asgi=True)


@dataclass
class _User:
    id: int = 1
    email: str = "ada@example.org"
    hashed_password: str = ""
    is_active: bool = True
    is_superuser: bool = False
    is_verified: bool = True


_ADA = _User()


class _Users(BaseUserDatabase[_User, int]):
    async def get(self, id: int) -> _User | None:  # noqa: A002 - its name there
        return _ADA if id == _ADA.id else None


class _Manager(IntegerIDMixin, BaseUserManager[_User, int]):
    pass


async def _get_manager() -> AsyncIterator[_Manager]:
    yield _Manager(_Users())


def _get_strategy() -> JWTStrategy[_User, int]:
    return JWTStrategy(secret=SECRET, lifetime_seconds=900)


def _fastapi_users() -> FastAPI:
    backend = AuthenticationBackend(
        name="jwt", transport=BearerTransport(tokenUrl="login"), get_strategy=_get_strategy
    )
    users = FastAPIUsers[_User, int](_get_manager, [backend])
    return _app(users.current_user(active=True))
