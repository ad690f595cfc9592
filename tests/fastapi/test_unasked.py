"""Guards that a dependency makes too late, or hands over instead of asking them."""

from functools import partial, wraps
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.security import SecurityScopes
from starlette.requests import HTTPConnection

import tests.fastapi.test_unasked
from gatepass import AccessClaims, AsyncTokenManager
from gatepass.errors import GuardMisused
from gatepass.fastapi import Auth
from tests.asgi.talk import socket, talk
from tests.fastapi.test_placement import auth, get, manager

pytestmark = pytest.mark.anyio
__all__ = ["auth", "manager"]


def returning(guard: Any) -> dict[str, Any]:
    """Dependencies that hand a guard over and ask it nothing."""

    def plain() -> Any:
        return guard

    async def awaited() -> Any:
        return guard

    class Held:
        guard: Any

        def __init__(self) -> None:
            self.guard = guard

        def __call__(self) -> Any:
            return self.guard

        def method(self) -> Any:
            return self.guard

    class Stored:
        def __init__(self) -> None:
            self.guard = guard

    def given(found: Any) -> Any:
        return found

    @wraps(plain)
    def wrapped() -> Any:
        return calls[0]()

    guards = type("Guards", (), {"guard": guard})
    below = SimpleNamespace(guards=guards)
    calls = [plain]

    return {
        "function": plain,
        "async function": awaited,
        "lambda": lambda: guard,
        "global": lambda: GUARD,
        "object": Held(),
        "method": Held().method,
        "class": guards,
        "subclass": type("Below", (guards,), {}),
        "class that stores it": Stored,
        "attribute of a module": lambda: tests.fastapi.test_unasked.GUARD,
        "attributes of a closure": lambda: below.guards.guard,
        "decorated function": wrapped,
        "partial": partial(given, guard),
    }


GUARD: Any = None


@pytest.mark.parametrize("way", returning(None))
async def test_a_dependency_that_returns_a_guard_lets_nobody_in(
    auth: Auth, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = auth.required()
    monkeypatch.setitem(globals(), "GUARD", guard)
    app = FastAPI()
    auth.install(app)
    app.get("/x", dependencies=[Depends(returning(guard)[way])])(lambda: "secret")

    with pytest.raises(GuardMisused, match=r"of /x holds a guard that is never asked"):
        await get(app)


class Tenants(Auth):
    """An `Auth` with a dependency of its own."""

    def tenant(self) -> str:
        return "acme"


async def test_a_dependency_may_hold_guards_that_are_asked(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    reader, writer = auth.required(), auth.required(roles=["writer"])

    class Guards:
        asked = reader

        def __init__(self, claims: Annotated[AccessClaims, Depends(reader)]) -> None:
            self.claims = claims

    class Service:
        def __init__(self) -> None:
            self.reader, self.writer = reader, writer

        def plain(self) -> str:
            return "fine"

    async def by_hand(connection: HTTPConnection, security: SecurityScopes) -> object:
        return await writer(connection=connection, security=security)

    app = FastAPI()
    auth.install(app)
    app.get("/class", dependencies=[Depends(Guards)])(lambda: "fine")
    app.get("/hand", dependencies=[Depends(by_hand)])(lambda: "fine")
    app.get("/bound", dependencies=[Depends(Service().reader)])(lambda: "fine")
    app.get("/open", dependencies=[Depends(Service().plain)])(lambda: "fine")
    app.get("/tenant", dependencies=[Depends(Tenants(manager).tenant)])(lambda: "fine")
    token = (await manager.issue("ada")).access_token

    assert [
        (await get(app, path, each)).status_code
        for path in ("/class", "/hand", "/bound", "/open", "/tenant")
        for each in ("", token)
    ] == [401, 200, 401, 403, 401, 200, 200, 200, 200, 200]


def making(auth: Any) -> dict[str, Any]:
    """Dependencies that make a guard while a request is handled."""

    def plain() -> Any:
        return auth.required(roles=["admin"])

    async def awaited() -> Any:
        return auth.optional()

    def generator() -> Any:
        yield auth.required()

    class Made:
        def __init__(self) -> None:
            self.guard = auth.required()

        def __call__(self) -> Any:
            return auth.required()

    checked = Made.__new__(Made)
    return {
        "function": plain,
        "async function": awaited,
        "generator": generator,
        "lambda": lambda: [auth.required()],
        "class": Made,
        "object": checked,
        "partial": partial(plain),
    }


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("way", making(None))
async def test_a_guard_that_is_made_while_a_request_is_handled_lets_nobody_in(
    auth: Auth, manager: AsyncTokenManager, way: str, *, installed: bool
) -> None:
    app = FastAPI()
    if installed:
        auth.install(app)
    app.get("/x", dependencies=[Depends(making(auth)[way])])(lambda: "secret")
    app.websocket("/live", dependencies=[Depends(making(auth)[way])])(lambda: "secret")

    for token in ("", (await manager.issue("ada")).access_token):
        with pytest.raises(GuardMisused, match="made while a request is handled"):
            await get(app, token=token)
    with pytest.raises(GuardMisused, match="made while a request is handled"):
        await talk(app, socket(denial=True), [{"type": "websocket.connect"}])


async def test_a_guard_that_is_made_in_a_view_is_rejected(auth: Auth) -> None:
    app = FastAPI()

    @app.get("/plain")
    def plain() -> str:
        auth.required()
        return "secret"

    @app.get("/async")
    async def awaited() -> str:
        return plain()

    for path in ("/plain", "/async"):
        with pytest.raises(GuardMisused, match="made while a request is handled"):
            await get(app, path)
