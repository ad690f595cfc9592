"""The auth routes as FastAPI's, with everything that the document says about them."""

from functools import partial
from typing import Final

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response, status

from gatepass.asgi.messages import read_body
from gatepass.fastapi.descriptions import DESCRIPTIONS
from gatepass.fastapi.documents import OWN
from gatepass.fastapi.responses import send
from gatepass.fastapi.scheme import Guarding
from gatepass.gate import KEYS, AnyAuth, Route, routes_of
from gatepass.http import AsgiRequest

_SESSION: Final = "{session_id}"
_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}


def add_routes(app: FastAPI, auth: AnyAuth, prefix: str) -> None:
    """Add the routes below a prefix, and the key set at the root.

    Each has one more route that answers preflights and rejects all other methods. Guards among
    the application's dependencies do not apply to them, since nobody could log in; its other
    dependencies do.
    """
    if auth.gate is None:
        return
    router = APIRouter(
        tags=["auth"],
        dependencies=[
            each for each in app.router.dependencies if not isinstance(each.dependency, Guarding)
        ],
        dependency_overrides_provider=app,
        generate_unique_id_function=app.router.generate_unique_id_function,
    )
    for route in routes_of(auth.gate):
        path = prefix + route.path + (_SESSION if route.names_session else "")
        _add(router, path, route, auth)
    _add(router, KEYS.path, KEYS, auth)
    # `include_router` would add every dependency of the application.
    app.router.routes.extend(router.routes)


def _add(router: APIRouter, path: str, route: Route, auth: AnyAuth) -> None:
    async def answer(request: Request) -> Response:
        session_id = request.path_params.get("session_id", "")
        read = partial(read_body, request.receive)
        return send(await auth.answer(route, AsgiRequest(request.scope), read, session_id))

    # Also what generated clients call the operation; an application may have a `login` of its own.
    name = f"{OWN}{route.name}"
    described = (
        {"include_in_schema": False} if route.is_file else DESCRIPTIONS[route.name].arguments(auth)
    )
    router.add_api_route(path, answer, methods=[route.method], name=name, **described)
    if "HEAD" in route.methods:
        router.add_api_route(path, answer, methods=["HEAD"], name=name, include_in_schema=False)
    # A route of FastAPI's own: Starlette's come after the 405 that the other's path asks for.
    others = sorted(_METHODS - {*route.methods})
    router.add_api_route(path, answer, methods=others, name=name, include_in_schema=False)
    # Starlette would send a password on to an address made of the `Host` header, over http.
    router.add_api_route(f"{path}/", _find, methods=sorted(_METHODS), include_in_schema=False)


async def _find() -> None:
    """Nothing is here: slashes at the end are not forgiven."""
    raise HTTPException(status.HTTP_404_NOT_FOUND)
