"""Applications whose websocket and stream stay open, with a guard in every place."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

from gatepass import AccessClaims


async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()


async def stream(request: Request) -> StreamingResponse:
    del request

    async def lines() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(lines(), media_type="text/event-stream")


def _of_app(dependency: Any) -> FastAPI:
    app = FastAPI(dependencies=[dependency])
    app.websocket("/live")(live)
    app.get("/live")(stream)
    return app


def of_router(dependency: Any) -> FastAPI:
    app, router = FastAPI(), APIRouter(dependencies=[dependency])
    router.websocket("/live")(live)
    router.get("/live")(stream)
    app.include_router(router)
    return app


def _included(dependency: Any) -> FastAPI:
    app, router = FastAPI(), APIRouter()
    router.websocket("/live")(live)
    router.get("/live")(stream)
    app.include_router(router, dependencies=[dependency])
    return app


def of_route(dependency: Any) -> FastAPI:
    app = FastAPI()
    app.websocket("/live", dependencies=[dependency])(live)
    app.get("/live", dependencies=[dependency])(stream)
    return app


def _as_parameter(dependency: Any) -> FastAPI:
    app = FastAPI()
    claims = Annotated[AccessClaims, dependency]

    @app.websocket("/live")
    async def view(websocket: WebSocket, caller: claims) -> None:
        assert caller["sub"] == "ada"
        await live(websocket)

    @app.get("/live")
    async def page(request: Request, caller: claims) -> StreamingResponse:
        assert caller["sub"] == "ada"
        return await stream(request)

    return app


def _below_another(dependency: Any) -> FastAPI:
    app = FastAPI()

    async def caller(claims: Annotated[AccessClaims, dependency]) -> str:
        return claims.subject

    app.websocket("/live", dependencies=[Depends(caller)])(live)
    app.get("/live", dependencies=[Depends(caller)])(stream)
    return app


def _with_middleware(dependency: Any) -> FastAPI:
    app = of_route(dependency)
    app.add_middleware(BaseHTTPMiddleware, dispatch=_pass_on)
    return app


async def _pass_on(request: Request, call_next: Any) -> Any:
    return await call_next(request)


ATTACHED: dict[str, Callable[[Any], FastAPI]] = {
    "the application": _of_app,
    "a router": of_router,
    "an included router": _included,
    "a route": of_route,
    "a parameter": _as_parameter,
    "another dependency": _below_another,
    "a route behind middleware": _with_middleware,
}
