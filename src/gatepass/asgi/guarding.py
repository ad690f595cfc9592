"""Guards around ASGI applications, and around the endpoint functions of Starlette."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, Final, Protocol

from gatepass.asgi.common_auth import AnyAsgiAuth
from gatepass.asgi.messages import AnswerApp, AsgiApp, Message, Receive, Scope, Send, send_answer
from gatepass.asgi.watching import Ended, Line, run_watched, watching
from gatepass.errors import GuardMisused, StoreUnavailable
from gatepass.gate import settle
from gatepass.http import Answer, AsgiRequest, RequestRefused
from gatepass.tokens import AccessClaims

SCOPE_KEY: Final = "gatepass"
"""The key of the claims in a guarded application's scope: `scope["gatepass"]`."""
FindClaims = Callable[[AsgiRequest, Scope], Awaitable[AccessClaims | None]]
_CONNECTIONS: Final = ("request", "websocket")
"""The parameters by which Starlette's own decorators know an endpoint."""


class _Connection(Protocol):
    """Starlette's request or websocket."""

    scope: Scope
    receive: Receive
    send: Send
    client_state: Any
    application_state: Any


class Guarded:
    """A guarded application: an object, so that Starlette's `Route` takes it for one."""

    def __init__(self, app: AsgiApp, auth: AnyAsgiAuth, find: FindClaims, *, watches: bool) -> None:
        self.__name__ = getattr(app, "__name__", type(app).__name__)
        self._app, self._auth, self._find, self._watches = app, auth, find, watches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a rejected request, and pass on all others."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in {"http", "websocket"}:
            raise ValueError("a guard knows http, websocket and lifespan scopes")
        scope = {**scope}
        answer = await _decide(scope, self._auth, self._find)
        if answer is not None:
            await send_answer(answer, scope, receive, send)
            return
        app = _vary_application(self._app, self._auth.vary)
        if self._watches:
            await run_watched(app, self._auth, scope, scope[SCOPE_KEY], (receive, send))
        else:
            await app(scope, receive, send)


def guard(app: Any, auth: AnyAsgiAuth, find: FindClaims, *, watches: bool) -> Any:
    """A guarded application or endpoint.

    Raises:
        GuardMisused: `app` is neither an ASGI application nor an endpoint of Starlette.
    """
    if inspect.isfunction(app) or inspect.ismethod(app) or isinstance(app, partial):
        names = list(inspect.signature(app).parameters)
        for name in _CONNECTIONS:
            if name in names:
                place = (name, names.index(name))
                return _guard_endpoint(app, place, auth, find, watches=watches)
    require_application(app)
    return Guarded(app, auth, find, watches=watches)


def _guard_endpoint(
    view: Callable[..., Any],
    place: tuple[str, int],
    auth: AnyAsgiAuth,
    find: FindClaims,
    *,
    watches: bool,
) -> Callable[..., Any]:
    """A function that Starlette calls with a request or a websocket, as it does the view."""
    name, index = place

    @wraps(view)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        connection: _Connection = kwargs[name] if name in kwargs else args[index]
        if not isinstance(getattr(connection, "scope", None), dict):
            raise GuardMisused(f"{_name(view)} was called with no {name} of Starlette")
        answer = await _decide(connection.scope, auth, find)
        if answer is not None:
            response = AnswerApp(answer)
            if connection.scope["type"] != "websocket":
                return response
            return await response(connection.scope, connection.receive, connection.send)
        call = partial(_call, view, auth.vary, *args, **kwargs)
        if not watches:
            return await call()
        if connection.scope["type"] == "websocket":
            return await _call_watched(call, auth, connection)

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            async def answer(scope: Scope, receive: Receive, send: Send) -> None:
                response = await call()
                await response(scope, receive, send)

            claims = connection.scope[SCOPE_KEY]
            await run_watched(answer, auth, scope, claims, (receive, send))

        return application  # Starlette calls it, also for the answer's stream

    return guarded


async def _call(view: Callable[..., Any], vary: str, /, *args: Any, **kwargs: Any) -> Any:
    """The view's response, with one more `Vary`."""
    if inspect.iscoroutinefunction(view):
        response = await view(*args, **kwargs)
    else:
        response = await settle(await asyncio.to_thread(view, *args, **kwargs))
    if hasattr(response, "raw_headers"):
        response.raw_headers.append((b"vary", vary.encode()))
    elif callable(response):
        return _vary_application(response, vary)
    return response


async def _call_watched(
    call: Callable[[], Awaitable[Any]], auth: AnyAsgiAuth, websocket: _Connection
) -> Any:
    """Run the view of a websocket until it returns or the session ends."""
    try:
        async with watching(auth, websocket.scope, websocket.scope[SCOPE_KEY]):
            return await call()
    except Ended as ended:
        line = Line(websocket.scope, websocket.receive, websocket.send)
        line.is_greeted = websocket.client_state.name != "CONNECTING"
        line.is_begun = websocket.application_state.name != "CONNECTING"
        line.is_over = websocket.application_state.name not in {"CONNECTING", "CONNECTED"}
        await line.end(ended, auth.answer_error(ended))
        return None


async def _decide(scope: Scope, auth: AnyAsgiAuth, find: FindClaims) -> Answer | None:
    """The answer to a request that goes no further; otherwise its scope gets the claims."""
    request = AsgiRequest(scope)
    preflight = auth.answer_preflight(request)
    if preflight is not None:
        return preflight
    try:
        scope[SCOPE_KEY] = await find(request, scope)
    except (RequestRefused, StoreUnavailable) as error:
        return auth.answer_error(error)
    return None


def _vary_application(app: AsgiApp, vary: str) -> AsgiApp:
    """The application with one more `Vary` in its answers."""
    field = (b"vary", vary.encode())

    async def varying(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_vary(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                message = {**message, "headers": [*message.get("headers", ()), field]}
            await send(message)

        await app(scope, receive, send_with_vary)

    return varying


def _name(app: object) -> str:
    return str(getattr(app, "__qualname__", repr(app)))


def require_application(app: object) -> None:
    """Return when this can be called as an ASGI application.

    Raises:
        GuardMisused: `app` does not take scope, receive and send, as a view of a framework.
    """
    try:
        inspect.signature(app).bind(None, None, None)  # type: ignore[arg-type]  # or a TypeError
    except TypeError:
        raise GuardMisused(
            "this wraps ASGI applications, called with scope, receive and send, and not "
            f"{_name(app)}; a guard also takes an endpoint function "
            "of Starlette, with a parameter named request or websocket"
        ) from None
    except ValueError:  # written in C, without a signature to look at
        return
