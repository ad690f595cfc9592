"""Guards that FastAPI would not ask are refused, and nobody is let in."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import FastAPIError

from gatepass import AccessClaims, AsyncTokenManager
from gatepass.errors import GuardMisused
from gatepass.fastapi import Auth
from tests.asgi.conftest import manager
from tests.fastapi.world import bearer

pytestmark = pytest.mark.anyio
__all__ = ["manager"]
Build = Callable[[FastAPI, Any], object]


@pytest.fixture
def auth(manager: AsyncTokenManager) -> Auth:
    return Auth(manager)


async def get(app: FastAPI, path: str = "/x", token: str = "") -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gate.test") as client:
        return await client.get(path, headers=bearer(token) if token else {})


def as_a_default(app: FastAPI, auth: Any) -> None:
    guard = auth.required()

    @app.get("/x")
    async def x(claims: Any = guard) -> str:
        return f"secret {claims}"


def as_a_note(app: FastAPI, auth: Any) -> None:
    @app.get("/x")
    async def x(claims: Annotated[dict[str, str] | None, auth.required()] = None) -> str:
        return f"secret {claims}"


def as_a_note_of_a_dependency(app: FastAPI, auth: Any) -> None:
    def inner(claims: Annotated[str | None, auth.required()] = None) -> str | None:
        return claims

    @app.get("/x", dependencies=[Depends(inner)])
    async def x() -> str:
        return "secret"


def in_a_router(app: FastAPI, auth: Any) -> None:
    inner, outer = APIRouter(), APIRouter()
    as_a_note(inner, auth)  # type: ignore[arg-type]  # a router has the same decorator
    outer.include_router(inner)
    app.include_router(outer)


def in_a_mounted_application(app: FastAPI, auth: Any) -> None:
    mounted = FastAPI()
    as_a_note(mounted, auth)
    app.mount("/x", mounted)


@pytest.mark.parametrize(
    "build",
    [as_a_default, as_a_note, as_a_note_of_a_dependency, in_a_router, in_a_mounted_application],
)
async def test_a_guard_without_depends_lets_nobody_in(build: Build, auth: Auth) -> None:
    app = FastAPI()
    auth.install(app)
    build(app, auth)

    for path in ("/x", "/x", "/auth/me", "/docs"):
        with pytest.raises(
            GuardMisused, match=r"^the guard 'claims' of /x.* is never asked.*Depends"
        ):
            await get(app, path)


async def test_a_mounted_application_of_its_own_is_looked_through_too(auth: Auth) -> None:
    app, mounted = FastAPI(), FastAPI()
    auth.answer_refusals(mounted)
    as_a_note(mounted, auth)
    app.mount("/below", mounted)

    with pytest.raises(GuardMisused, match="is never asked"):
        await get(app, "/below/x")


def test_a_guard_is_truthy_and_no_predicate(auth: Any) -> None:
    for name in ("required", "optional"):
        guard = getattr(auth, name)()

        assert guard
        for given in (Request({"type": "http"}), None, "x", 1):
            with pytest.raises(GuardMisused):
                guard(given)
            with pytest.raises(GuardMisused):
                guard(connection=given)


def test_a_method_that_makes_guards_is_no_dependency_with_arguments_either(auth: Any) -> None:
    with pytest.raises(FastAPIError):
        FastAPI().get("/x", dependencies=[Depends(partial(auth.required, roles=["a"]))])(get)


async def test_a_guard_below_a_dependency_of_the_application_would_guard_the_login(
    auth: Auth,
) -> None:
    def user(claims: Annotated[AccessClaims, Depends(auth.required())]) -> str:
        return claims.subject

    app = FastAPI(dependencies=[Depends(user)])
    auth.install(app)

    with pytest.raises(GuardMisused, match=r"nobody can reach /auth/.*APIRouter\(dependencies="):
        await get(app, "/auth/me")


async def test_a_dependency_of_the_application_may_ask_who_calls(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    def locale(claims: Annotated[AccessClaims | None, Depends(auth.optional())]) -> str:
        return "en" if claims is None else claims.subject

    app = FastAPI(dependencies=[Depends(locale)])
    auth.install(app)
    app.get("/x")(lambda: "open")
    pair = await manager.issue("ada")
    token = pair.access_token
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gate.test"
    ) as client:
        given = {"refresh_token": pair.refresh_token}
        refreshed = await client.post("/auth/refresh", json=given, headers=bearer("stale"))

    assert refreshed.status_code == 200
    assert [(await get(app, "/x", each)).status_code for each in ("", "forged", token)] == [
        200,
        403,
        200,
    ]
    assert [(await get(app, "/auth/me", each)).status_code for each in ("stale", token)] == [
        403,
        200,
    ]


@pytest.mark.parametrize("name", ["required", "optional"])
def test_a_guard_without_parentheses_is_refused_where_it_is_written(auth: Any, name: str) -> None:
    app, guard = FastAPI(), getattr(auth, name)

    with pytest.raises(GuardMisused, match=rf"a parameter, claims:.*Depends\(auth\.{name}\(\)\)"):
        guard(lambda: "secret")
    with pytest.raises(FastAPIError):
        app.get("/x", dependencies=[Depends(guard)])(lambda: "secret")


@pytest.mark.parametrize("name", ["required", "optional"])
def test_a_guard_as_a_decorator_is_refused_where_it_is_written(auth: Any, name: str) -> None:
    for given in ([lambda: "secret"], []):
        with pytest.raises(
            GuardMisused, match=rf"no decorator: .* claims:.*Depends\(auth\.{name}\(\)\)"
        ):
            getattr(auth, name)()(*given)


def test_a_guard_among_dependencies_without_depends_is_told(auth: Any) -> None:
    with pytest.raises(GuardMisused, match=r"Depends\(auth\.required\(\)\)"):
        FastAPI().get("/x", dependencies=[auth.required()])(lambda: "secret")


def test_a_router_is_no_application_to_install_on(auth: Any) -> None:
    with pytest.raises(GuardMisused, match="takes the FastAPI application, not APIRouter"):
        auth.install(APIRouter())


async def test_a_forgotten_install_is_told(auth: Auth) -> None:
    app = FastAPI()
    app.get("/x", dependencies=[Depends(auth.required())])(lambda: "secret")
    app.add_exception_handler(Exception, lambda *_: Response("all is well"))

    with pytest.raises(GuardMisused, match=r"call auth\.install\(app\), or auth\.answer_refusals"):
        await get(app)


async def test_caches_are_told_whose_answer_it_is(auth: Auth, manager: AsyncTokenManager) -> None:
    app, mounted = FastAPI(), FastAPI()
    auth.install(app)
    guard = [Depends(auth.required())]
    app.get("/x", dependencies=guard)(lambda: "plain")
    app.get("/response", dependencies=guard)(lambda: Response("as it is"))
    app.get("/open")(lambda: "open")
    mounted.get("/x", dependencies=guard)(lambda: "mounted")
    app.mount("/below", mounted)
    token = (await manager.issue("ada")).access_token
    answers = [await get(app, path, token) for path in ("/x", "/response", "/below/x")]

    assert [answer.headers.get_list("vary") for answer in answers] == [["Authorization"]] * 3
    assert "vary" not in (await get(app, "/open", token)).headers
