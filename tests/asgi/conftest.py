"""One manager, and a guard over everything that takes tokens."""

import logging
from typing import Any

import pytest

from gatepass import AsyncTokenManager, AsyncTokenVerifier, TokenPolicy, TokenVerifier
from gatepass.asgi import AsgiApp, Auth
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore
from tests.asgi.connection import Client, Open
from tests.asgi.talk import http, socket

ACCESS, REFRESH = SharedKey.generate(), SharedKey.generate()
NAMES: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}
POLICY = TokenPolicy(**NAMES)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def transport_is_not_the_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an application is told of its transport is no answer to a request."""
    monkeypatch.setattr(logging.getLogger("gatepass.transport"), "disabled", True)


@pytest.fixture
def manager() -> AsyncTokenManager:
    return AsyncTokenManager(
        POLICY, access_keys=ACCESS, refresh_keys=REFRESH, store=AsyncMemoryStore()
    )


@pytest.fixture(params=["manager", "verifier", "async verifier"])
def kind(request: pytest.FixtureRequest, manager: AsyncTokenManager) -> Any:
    """A manager or a verifier."""
    kinds = {
        "manager": manager,
        "verifier": TokenVerifier(ACCESS, **NAMES),
        "async verifier": AsyncTokenVerifier(ACCESS, **NAMES),
    }
    return kinds[request.param]


@pytest.fixture
def auth(kind: Any) -> Auth:
    return Auth(kind)


@pytest.fixture
def opened(manager: AsyncTokenManager) -> Open:
    """Opens a connection of ada; also its token pair."""

    async def opened(app: AsgiApp, kind: str = "websocket", **claims: Any) -> tuple[Client, Any]:
        pair = await manager.issue("ada", claims)
        named = {"authorization": f"Bearer {pair.access_token}"}
        scope = socket(denial=True, **named) if kind == "websocket" else http(**named)
        return Client(app, scope), pair

    return opened
