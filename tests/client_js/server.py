"""The service that the tests of `gatepass.js` call: its clock, its store and its log are theirs."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from gatepass import AccessClaims, AsyncTokenManager, TokenPolicy
from gatepass.errors import StoreUnavailable
from gatepass.fastapi import Auth, HttpPolicy, Identity
from gatepass.http import Cookies, Limits
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore
from gatepass.testing import Clock

PASSWORDS = {"ada": "correct horse battery", "grace": "staple lantern violet"}
PAGE = os.environ.get("PAGE_ORIGIN", "http://localhost:3000")
clock = Clock()


class Store(AsyncMemoryStore):
    """A memory store whose database goes away when told to."""

    is_down = False

    async def rotate(self, *args: Any, **options: Any) -> Any:
        """See `MemoryStore.rotate`."""
        if self.is_down:
            raise StoreUnavailable
        return await super().rotate(*args, **options)


def authenticate(username: str, password: str) -> Identity | None:
    """The two accounts."""
    if PASSWORDS.get(username) != password:
        return None
    return Identity(f"user-{username}", {"username": username})


store = Store(clock=clock)
manager = AsyncTokenManager(
    TokenPolicy(issuer="api-server", audience="api-client"),
    access_keys=SharedKey.from_secret("vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a"),
    refresh_keys=SharedKey.from_secret("Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6"),
    store=store,
    load_claims=lambda subject, _: {"username": subject.removeprefix("user-")},
    now=clock,
)
auth = Auth(
    manager,
    authenticate=authenticate,
    limits=Limits(login="50/minute"),
    http=HttpPolicy(
        cookies=Cookies(insecure_for_development_over_http=True),
        public_origins=[PAGE],
        allowed_origins=[PAGE],
    ),
    now=clock,
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with manager:
        yield


app = FastAPI(lifespan=lifespan)
log: list[dict[str, Any]] = []


@app.middleware("http")
async def note(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    """Keep what was asked and answered, without the control routes."""
    path = request.url.path
    answer = await call(request)
    if not path.startswith("/control"):
        headers = {name: request.headers.get(name) for name in ("authorization", "cookie")}
        asked = {"method": request.method, "path": path, "status": answer.status_code}
        log.append({**asked, **headers, "csrf": request.headers.get("x-csrf-token")})
    return answer


auth.install(app)
Caller = Annotated[AccessClaims, Depends(auth.required())]


@app.api_route("/who", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def who(claims: Caller, request: Request) -> dict[str, Any]:
    """Whose request it was, and its body."""
    return {"subject": claims.subject, "body": (await request.body()).decode()}


@app.get("/public")
async def public() -> dict[str, Any]:
    """Anybody's."""
    return {"public": True}


@app.get("/plain")
async def plain() -> Response:
    """An error that is none of gatepass's."""
    return Response("no such page", 404, media_type="text/plain")


@app.api_route("/bounce", methods=["GET", "POST"])
async def bounce(to: str) -> Response:
    """An open redirect, as applications have them."""
    return RedirectResponse(to)


@app.post("/control")
async def control(steps: dict[str, Any]) -> list[dict[str, Any]]:
    """Move the clock, break the store; the log so far."""
    clock.advance(float(steps.get("advance", 0)))
    store.is_down = bool(steps.get("down", store.is_down))
    if steps.get("clear"):
        log.clear()
    if session_id := steps.get("revoke"):
        await manager.revoke_session(session_id)
    return log
