"""Plain ASGI: run it with `uvicorn asgi_app:app`."""

from datetime import timedelta

from gatepass.asgi import AsgiApp, Auth, Identity, Receive, Scope, Send
from gatepass.settings import HttpSettings, TokenSettings

ACCOUNTS = {"ada": ("correct horse battery", {"role": "admin"})}
manager = TokenSettings.from_env().async_manager()


async def authenticate(username: str, password: str) -> Identity | None:
    """Look the account up; the epoch is read first, so that a changed password wins."""
    epoch = await manager.subject_epoch(username)
    known, claims = ACCOUNTS.get(username, (None, {}))
    return Identity(username, claims, epoch) if password == known else None


auth = Auth(manager, authenticate=authenticate, http=HttpSettings.from_env().policy)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Any ASGI application: it finds its caller in the scope."""
    del receive
    body = b'{"subject":"%s"}' % scope["gatepass"].subject.encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything else."""
    del scope, receive
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body"})


ROUTES: dict[tuple[str, str], AsgiApp] = {
    ("GET", "/profile"): auth.required()(answer),
    ("GET", "/admin"): auth.required(roles=["admin"])(answer),
    ("POST", "/transfer"): auth.required(fresh=timedelta(minutes=5))(answer),
}


async def routes(scope: Scope, receive: Receive, send: Send) -> None:
    """Choose by method and path; closing the database is the lifespan's."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await manager.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await ROUTES.get((scope["method"], scope["path"]), nothing)(scope, receive, send)


app = auth.install(routes)
