"""The server of the test: websockets that are watched, and as a control some that are not."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, WebSocket

from gatepass import AccessClaims, AsyncTokenManager, TokenPolicy
from gatepass.fastapi import Auth
from gatepass.jose import SharedKey
from gatepass.revocations import replica_of
from gatepass.stores.redis import AsyncRedisStore
from gatepass.stores.sql import AsyncSqlStore

POLICY = TokenPolicy(issuer="api-server", audience="api-client", access_lifetime=3600)
ACCESS = SharedKey.from_secret("vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a")
REFRESH = SharedKey.from_secret("Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6")


def make() -> FastAPI:
    """The application over the database of `GATE_URL`."""
    url = os.environ["GATE_URL"]
    is_redis = url.startswith("redis")
    store: Any = AsyncRedisStore.from_url(url) if is_redis else AsyncSqlStore.from_url(url)
    # a busy machine may read late; that closes nothing here, and a read delivers as soon as ever
    replica = replica_of(store, max_staleness=60)
    manager = AsyncTokenManager(
        POLICY,
        access_keys=ACCESS,
        refresh_keys=REFRESH,
        store=store,
        revocations=replica,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        while not await replica.fresh():  # noqa: ASYNC110 - a replica tells nobody
            await asyncio.sleep(0.01)
        yield

    auth = Auth(manager)
    app = FastAPI(lifespan=lifespan)
    auth.install(app)

    @app.websocket("/watched")
    async def watched(
        websocket: WebSocket,
        _: Annotated[AccessClaims, Depends(auth.required(watch=True))],
    ) -> None:
        await echo(websocket)

    @app.websocket("/open")
    async def unwatched(
        websocket: WebSocket, _: Annotated[AccessClaims, Depends(auth.required())]
    ) -> None:
        await echo(websocket)

    @app.get("/cpu")
    async def cpu() -> dict[str, float]:
        return {"cpu": time.process_time(), "at": time.monotonic()}

    return app


async def echo(websocket: WebSocket) -> None:
    """Send back whatever comes."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
