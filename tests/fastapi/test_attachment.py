"""Every way in which FastAPI's documentation attaches a dependency, with a guard in its place."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Security, WebSocket
from fastapi.security import SecurityScopes

from gatepass import AccessClaims, AsyncTokenManager
from gatepass.fastapi import Auth, Identity
from tests.asgi.conftest import kind, manager
from tests.asgi.talk import socket, talk
from tests.fastapi.attached import ask, auth, bearer, view

pytestmark = pytest.mark.anyio
__all__ = ["auth", "kind", "manager"]
Build = Callable[[FastAPI, Any], object]


class Caller:
    """A dependency that is a class, as FastAPI's documentation shows them."""

    def __init__(self, asked: Any) -> None:
        self.asked = asked

    def made(self) -> Any:
        class Made:
            def __init__(self, claims: AccessClaims = self.asked) -> None:
                self.claims = claims

        return Made

    def checked(self) -> Any:
        asked = self.asked

        class Checked:
            def __call__(self, claims: AccessClaims = asked) -> AccessClaims:
                return claims

        return Checked()


def by_parameter(app: FastAPI, asked: Any) -> None:
    @app.get("/x")
    async def x(claims: Annotated[AccessClaims, asked]) -> str:
        return f"secret of {claims.subject}"


def by_default(app: FastAPI, asked: Any) -> None:
    @app.get("/x")
    def x(claims: AccessClaims = asked) -> str:
        return f"secret of {claims.subject}"


def by_sub_dependency(app: FastAPI, asked: Any) -> None:
    async def outer(claims: Annotated[AccessClaims, asked]) -> AsyncIterator[AccessClaims]:
        yield claims

    @app.get("/x")
    def x(claims: Annotated[AccessClaims, Depends(outer)]) -> str:
        return f"secret of {claims.subject}"


def by_router(app: FastAPI, asked: Any) -> None:
    router = APIRouter(dependencies=[asked])
    router.get("/x")(view)
    app.include_router(router)


def by_include_router(app: FastAPI, asked: Any) -> None:
    inner, outer = APIRouter(), APIRouter()
    inner.get("/x")(view)
    outer.include_router(inner, dependencies=[asked])
    app.include_router(outer)


def by_mounted_application(app: FastAPI, asked: Any) -> None:
    mounted = FastAPI()
    mounted.get("/x", dependencies=[asked])(view)
    app.mount("/", mounted)


WAYS: dict[str, Build] = {
    "parameter": by_parameter,
    "default": by_default,
    "decorator": lambda app, asked: app.get("/x", dependencies=[asked])(view),
    "router": by_router,
    "include_router": by_include_router,
    "sub-dependency": by_sub_dependency,
    "class": lambda app, asked: app.get("/x", dependencies=[Depends(Caller(asked).made())])(view),
    "instance": lambda app, asked: by_parameter(app, Depends(Caller(asked).checked())),
    "mounted application": by_mounted_application,
    "api_route": lambda app, asked: app.api_route(
        "/x", methods=["GET", "OPTIONS"], dependencies=[asked]
    )(view),
}


def build(auth: Auth, way: str, asked: Any) -> FastAPI:
    app = FastAPI(dependencies=[asked]) if way == "application" else FastAPI()
    auth.install(app)
    if way == "application":
        app.get("/x")(view)
    else:
        WAYS[way](app, asked)
    return app


@pytest.mark.parametrize("added", [[], ["write"]])
async def test_a_guarded_route_needs_a_token_and_every_scope(
    auth: Auth, manager: AsyncTokenManager, added: list[str], subtests: pytest.Subtests
) -> None:
    for way in (*WAYS, "application"):
        with subtests.test(way):
            await check(auth, manager, way, added)


async def check(auth: Auth, manager: AsyncTokenManager, way: str, added: list[str]) -> None:
    guard = auth.required(scopes=["read"])
    app = build(auth, way, Security(guard, scopes=added) if added else Depends(guard))
    async with ask(app) as client:
        rejected = await client.get("/x")
        narrow = await client.get("/x", headers=await bearer(manager))
        unread = await client.get("/x", headers=await bearer(manager, "write"))
        answered = await client.get("/x", headers=await bearer(manager, "read write"))

    assert (rejected.status_code, rejected.json()["code"]) == (401, "token_missing")
    assert rejected.headers["www-authenticate"] == "Bearer"
    assert narrow.status_code == (403 if added else 200)
    assert unread.status_code == 403
    asked = " ".join(["read", *added])
    assert f'scope="{asked}"' in unread.headers["www-authenticate"]
    assert answered.status_code == 200
    assert answered.text.startswith('"secret')
    assert answered.headers["vary"] == "Authorization"


async def test_scopes_add_up_down_the_tree_and_each_question_is_answered_by_itself(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    app, guard = FastAPI(), auth.optional()
    auth.install(app)

    def inner(claims: Annotated[AccessClaims | None, Security(guard, scopes=["c"])]) -> object:
        return claims

    def outer(claims: Annotated[object, Security(inner, scopes=["b"])]) -> object:
        return claims

    @app.get("/x", dependencies=[Depends(guard), Depends(inner)])
    def x(claims: Annotated[AccessClaims | None, Security(outer, scopes=["a"])]) -> object:
        return claims.subject if claims else None

    async with ask(app) as client:
        answers = {
            scope: await client.get("/x", headers=await bearer(manager, scope))
            for scope in ("a b c", "a b", "b c", "c", "")
        }
        nobody = await client.get("/x")

    assert {scope: answer.status_code for scope, answer in answers.items()} == {
        "a b c": 200,
        "a b": 403,
        "b c": 403,
        "c": 403,
        "": 403,
    }
    assert nobody.json() is None
    documented = app.openapi()["paths"]["/x"]["get"]["security"][-1]["gatepass"]
    assert sorted(documented) == ["a", "b", "c"]


async def test_a_guard_does_not_keep_the_scopes_of_another_route(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    app, guard = FastAPI(), auth.required()
    auth.install(app)
    app.get("/write", dependencies=[Security(guard, scopes=["write"])])(view)
    app.get("/read", dependencies=[Depends(guard)])(view)
    app.get("/admin", dependencies=[Security(auth.required(roles=["a"]), scopes=["read"])])(view)
    token = await bearer(manager)
    async with ask(app) as client:
        statuses = [
            (await client.get(path, headers=token)).status_code
            for path in ("/write", "/read", "/write", "/admin")
        ]

    assert statuses == [403, 200, 403, 403]


async def test_a_socket_is_rejected_before_it_is_accepted(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    guard = auth.required()
    app, router = FastAPI(), APIRouter(dependencies=[Security(guard, scopes=["read"])])
    auth.install(app)

    @router.websocket("/live")
    async def live(websocket: WebSocket, claims: Annotated[AccessClaims, Depends(guard)]) -> None:
        await websocket.accept()
        await websocket.send_text(claims.subject)
        await websocket.close()

    app.include_router(router)
    connect = [{"type": "websocket.connect"}]
    answers = [
        await talk(app, socket(denial=True, **headers), connect)
        for headers in ({}, await bearer(manager, "none"), await bearer(manager))
    ]

    assert [sent[0].get("status") for sent in answers] == [401, 403, None]
    assert answers[2][1] == {"type": "websocket.send", "text": "ada"}


async def test_tests_override_a_guard(auth: Auth) -> None:
    guard = auth.required(scopes=["read"])
    app = build(auth, "parameter", Security(guard, scopes=["write"]))
    app.dependency_overrides[guard] = lambda: AccessClaims({"sub": "grace"})
    async with ask(app) as client:
        overridden = await client.get("/x")
        app.dependency_overrides.clear()
        rejected = await client.get("/x")

    assert (overridden.json(), rejected.status_code) == ("secret of grace", 401)


async def test_the_auth_routes_stay_reachable_below_a_guarded_application(
    manager: AsyncTokenManager,
) -> None:
    auth = Auth(manager, authenticate=lambda name, _: Identity(name))
    seen: list[str] = []

    def seeing(request: Request) -> None:
        seen.append(request.url.path)

    app = FastAPI(
        dependencies=[Depends(auth.required()), Depends(auth.optional()), Depends(seeing)],
        generate_unique_id_function=lambda route: f"own {route.name}",
    )
    auth.install(app)
    app.get("/x")(view)
    async with ask(app) as client:
        keys = await client.get("/.well-known/jwks.json", headers={"authorization": "Bearer x"})
        pair = await client.post("/auth/login", json={"username": "ada", "password": "p"})
        token = {"authorization": f"Bearer {pair.json()['access_token']}"}
        statuses = [(await client.get("/x", headers=each)).status_code for each in ({}, token)]

    assert (keys.status_code, pair.status_code, statuses) == (200, 200, [401, 200])
    assert seen == ["/.well-known/jwks.json", "/auth/login", "/x"]
    login = app.openapi()["paths"]["/auth/login"]["post"]
    assert login["operationId"] == "own gatepass:login"


async def test_guards_may_be_made_in_a_lifespan_and_asked_by_hand(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.get("/x", dependencies=[Depends(auth.required())])(view)
        yield

    def scoped(security: SecurityScopes) -> list[str]:
        return security.scopes

    app = FastAPI(lifespan=lifespan)
    auth.install(app)
    app.get("/scopes")(scoped)
    async with app.router.lifespan_context(app), ask(app) as client:
        assert (await client.get("/x")).status_code == 401
        assert (await client.get("/x", headers=await bearer(manager))).status_code == 200
