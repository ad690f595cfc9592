"""The application under test as plain ASGI."""

from datetime import timedelta

from gatepass.asgi import AsgiApp, Auth, Receive, Scope, Send
from gatepass.tokens import AccessClaims
from tests.web.apps.observed import METRICS, hook, observed
from tests.web.apps.parts import (
    FRESH_S,
    READER,
    WRITER,
    authenticate,
    change_password,
    limits,
    policy,
    proxy_gate,
    settings,
    shown,
)

auth = Auth(
    settings().async_manager(on_event=hook),
    authenticate=authenticate,
    change_password=change_password,
    limits=limits(),
    http=policy(),
    proxy_gate=proxy_gate(),
)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """The caller's subject, over http or as the one message of a websocket."""
    claims: AccessClaims | None = scope["gatepass"]
    body = shown(claims)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": body.decode()})
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def unknown(scope: Scope, receive: Receive, send: Send) -> None:
    """What is answered where there is nothing."""
    del receive
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})


ROUTES: dict[str, AsgiApp] = {
    "/open": auth.optional()(answer),
    "/private": auth.required()(answer),
    "/admin": auth.required(roles=["admin"])(answer),
    "/reports": auth.required(scopes=READER)(auth.required(scopes=WRITER)(answer)),
    "/transfer": auth.required(fresh=timedelta(seconds=FRESH_S))(answer),
    "/live": auth.required()(answer),
}


async def choose(scope: Scope, receive: Receive, send: Send) -> None:
    """The application itself."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await ROUTES.get(scope["path"], unknown)(scope, receive, send)


METRICS.follow(auth)
app = observed(auth.install(choose))
