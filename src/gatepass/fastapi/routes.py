"""The auth routes as FastAPI's, with everything that the document says about them."""

from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request, Response, status

from gatepass.asgi.messages import read_body
from gatepass.fastapi import documents
from gatepass.fastapi.answers import send
from gatepass.gate import KEYS, AuthParts, Route, routes_of
from gatepass.http import AsgiRequest

_SESSION: Final = "{session_id}"
_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}


def make_router(auth: AuthParts, prefix: str) -> APIRouter:
    """The routes below a prefix, each with one more that refuses all other methods."""
    router = APIRouter(prefix=prefix, tags=["auth"])
    for route in () if auth.gate is None else routes_of(auth.gate):
        path = route.path + (_SESSION if route.names_session else "")
        _add(router, path, route, auth, documents.ROUTES[route.name])
    return router


def make_key_router(auth: AuthParts) -> APIRouter:
    """The route of the key set, which has its place at the root."""
    router = APIRouter(tags=["auth"])
    if auth.gate is not None:
        _add(router, KEYS.path, KEYS, auth, documents.ROUTES[KEYS.name])
    return router


def _add(
    router: APIRouter, path: str, route: Route, auth: AuthParts, described: dict[str, Any]
) -> None:
    async def answer(request: Request) -> Response:
        body = await read_body(request.receive) if route.takes_body else b""
        session_id = request.path_params.get("session_id", "")
        return send(await auth.perform(route, AsgiRequest(request.scope), body, session_id))

    async def refuse(request: Request) -> Response:
        wrong = route.require_method(request.method)
        assert wrong is not None  # noqa: S101 - the right one has a route of its own
        return send(wrong)

    # Also what generated clients call the operation; an application may have a `login` of its own.
    name = f"gatepass:{route.name}"
    router.add_api_route(path, answer, methods=[route.method], name=name, **described)
    # A route of FastAPI's own: Starlette's come after the 405 that the other's path asks for.
    others = sorted(_METHODS - {route.method})
    router.add_api_route(path, refuse, methods=others, include_in_schema=False)
    # Starlette would send a password on to an address made of the `Host` header, over http.
    router.add_api_route(f"{path}/", _find, methods=sorted(_METHODS), include_in_schema=False)


async def _find() -> None:
    """Nothing is here: slashes at the end are not forgiven."""
    raise HTTPException(status.HTTP_404_NOT_FOUND)
