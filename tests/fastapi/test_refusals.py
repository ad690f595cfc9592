"""Refusals of guards, and their answers to preflights, below the error handling of others."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.middleware.base import BaseHTTPMiddleware

from gatepass import AsyncTokenManager
from gatepass.fastapi import Auth, HttpPolicy
from tests.asgi.conftest import kind, manager
from tests.fastapi.attached import ask, auth, bearer, view

pytestmark = pytest.mark.anyio
__all__ = ["auth", "kind", "manager"]


@pytest.mark.parametrize("way", ["installed", "answering"])
@pytest.mark.parametrize("origins", [[], ["https://a.example"]])
async def test_a_guard_answers_a_preflight_and_calls_no_view(
    manager: AsyncTokenManager, way: str, origins: list[str]
) -> None:
    auth = Auth(manager, http=HttpPolicy(allowed_origins=origins))
    app, mounted = FastAPI(), FastAPI()
    for each in (app, mounted):
        each.options("/x", dependencies=[Depends(auth.required())])(view)
    if way == "installed":
        auth.install(app)
        app.mount("/below", mounted)
    else:
        auth.answer_refusals(app)
    asked = {"origin": "https://a.example", "access-control-request-method": "GET"}
    async with ask(app) as client:
        paths = ("/x", "/below/x") if way == "installed" else ("/x",)
        for path in paths:
            answer = await client.options(path, headers=asked | await bearer(manager))
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers.get_list("access-control-allow-origin") == origins
        assert (await client.options("/x")).status_code == 401


class CatchAll(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        try:
            return await call_next(request)
        except Exception:  # noqa: BLE001 - as the applications of others have it
            return JSONResponse({}, 500)


async def failed(request: Request, error: Exception) -> JSONResponse:
    del request, error
    return JSONResponse({}, 500)


async def failing() -> AsyncIterator[None]:
    try:
        yield
    except Exception:  # noqa: BLE001 - as the applications of others have it
        raise HTTPException(500) from None


def handling(auth: Auth, where: str) -> FastAPI:
    """An application whose error handling answers 500 to whatever it meets."""
    asked = Depends(auth.required())
    app, mounted = FastAPI(), FastAPI(debug=where == "debug")
    if where == "middleware outside":
        auth.install(app)
        app.add_middleware(CatchAll)
    else:
        app.add_middleware(CatchAll)
        auth.install(app)
    if where == "handlers":
        for each in (app, mounted):
            each.add_exception_handler(Exception, failed)
    if where == "dependency":
        app.get("/x", dependencies=[Depends(failing), asked])(view)
    for each in (app, mounted):
        each.get("/x", dependencies=[asked])(view)
    app.mount("/below", mounted)
    return app


@pytest.mark.parametrize(
    "where", ["middleware", "middleware outside", "handlers", "dependency", "debug"]
)
async def test_a_refusal_survives_the_error_handling_of_others(
    auth: Auth, manager: AsyncTokenManager, where: str
) -> None:
    async with ask(handling(auth, where)) as client:
        for path in ("/x", "/below/x"):
            rejected = await client.get(path)

            assert (rejected.status_code, rejected.json()["code"]) == (401, "token_missing")
            assert rejected.headers["www-authenticate"] == "Bearer"
            token = await bearer(manager)
            assert (await client.get(path, headers=token)).status_code == 200


async def test_a_handler_that_fails_over_a_refusal_is_logged_and_the_refusal_sent(
    auth: Auth,
) -> None:
    async def swallowing() -> AsyncIterator[None]:
        with suppress(Exception):  # FastAPI raises an error of its own then
            yield

    app = FastAPI()
    auth.install(app)
    app.get("/x", dependencies=[Depends(swallowing), Depends(auth.required())])(view)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gate.test") as client:
        assert (await client.get("/x")).status_code == 401
    async with ask(app) as client:
        with pytest.raises(Exception, match=r"not awaited|No response object"):
            await client.get("/x")
