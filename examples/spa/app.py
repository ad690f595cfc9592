"""A single-page application with sign-in: run `python app.py` and open the address it shows."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Request, Response, WebSocket
from fastapi.staticfiles import StaticFiles
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from gatepass import AccessClaims, AsyncTokenManager, TokenPolicy
from gatepass.fastapi import Auth, Cookies, HttpPolicy, Identity
from gatepass.jose import SharedKey
from gatepass.passwords import PasswordPool, Passwords
from gatepass.revocations import replica_of
from gatepass.stores.sql import AsyncSqlStore

PORT = int(os.environ.get("PORT", "8000"))
ORIGIN = os.environ.get("ORIGIN", f"http://127.0.0.1:{PORT}")
LIFETIME = int(os.environ.get("ACCESS_SECONDS", "900"))
DATABASE = os.environ.get("DATABASE_URL", "sqlite:///spa.db")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Base(DeclarativeBase):
    """The tables of this application."""


class User(Base):
    """Somebody who can log in."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str]


engine = create_engine(DATABASE)
passwords, pool = Passwords(), PasswordPool()
store = AsyncSqlStore.from_url(DATABASE)
replica = replica_of(store)


def key(name: str) -> SharedKey:
    """The key of the environment, or a new one: then a restart logs everybody out."""
    secret = os.environ.get(name)
    return SharedKey.from_secret(secret) if secret else SharedKey.generate()


manager = AsyncTokenManager(
    TokenPolicy(issuer="spa", audience="spa", access_lifetime=LIFETIME),
    access_keys=key("JWT_ACCESS_SECRET"),
    refresh_keys=key("JWT_REFRESH_SECRET"),
    store=store,
    revocations=replica,
)


def find(name: str, password: str) -> User | None:
    """The user with this name and this password."""
    with Session(engine) as session:
        user = session.query(User).filter_by(name=name).one_or_none()
    known = None if user is None else user.password_hash
    return user if passwords.verify(known, password) else None


async def authenticate(username: str, password: str) -> Identity | None:
    """Check a login, in a thread: argon2id takes memory and time."""
    user = await pool.run(find, username, password)
    return None if user is None else Identity(f"user-{user.id}", {"username": user.name})


def add_first_user() -> None:
    """Let `ada` log in."""
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        if not session.query(User).count():
            session.add(User(name="ada", password_hash=passwords.hash("purple-kettle-sings")))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the database, and give it back at the end."""
    await store.upgrade()
    add_first_user()
    await replica.start()
    async with manager:
        yield
    await replica.close()
    pool.close()


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None)
insecure = ORIGIN.startswith("http:")
auth = Auth(
    manager,
    authenticate=authenticate,
    http=HttpPolicy(
        cookies=Cookies(insecure_for_development_over_http=insecure), public_origins=[ORIGIN]
    ),
)
auth.install(app)
Caller = Annotated[AccessClaims, Depends(auth.required())]
Watched = Annotated[AccessClaims, Depends(auth.required(watch=True))]


@app.middleware("http")
async def harden(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    """No script but those of this server, on any page."""
    response = await call(request)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@app.post("/api/uploads")
async def upload(claims: Caller, request: Request) -> dict[str, Any]:
    """Count the bytes of a file."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return {"bytes": size, "of": claims["username"]}


@app.websocket("/api/live")
async def live(websocket: WebSocket, _: Watched) -> None:
    """Stay open for as long as the session."""
    await websocket.accept()
    await websocket.send_text("connected")
    async for _text in websocket.iter_text():
        pass


app.mount("/", StaticFiles(directory=Path(__file__).parent / "pages", html=True))

if __name__ == "__main__":
    uvicorn.run(app, port=PORT, proxy_headers=False)
