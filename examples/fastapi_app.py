"""FastAPI: run it with `uvicorn fastapi_app:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, FastAPI

from gatepass import AccessClaims
from gatepass.fastapi import Auth, Identity
from gatepass.settings import HttpSettings, TokenSettings

ACCOUNTS = {"ada": ("correct horse battery", {"role": "admin"})}
manager = TokenSettings.from_env().async_manager()


async def authenticate(username: str, password: str) -> Identity | None:
    """Look the account up; the epoch is read first, so that a changed password wins."""
    epoch = await manager.subject_epoch(username)
    known, claims = ACCOUNTS.get(username, (None, {}))
    return Identity(username, claims, epoch) if password == known else None


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Give the database back at the end."""
    async with manager:
        yield


app = FastAPI(lifespan=lifespan)
auth = Auth(manager, authenticate=authenticate, http=HttpSettings.from_env().policy)
auth.install(app)

Caller = Annotated[AccessClaims, Depends(auth.required())]
Admin = Annotated[AccessClaims, Depends(auth.required(roles=["admin"]))]
JustNow = Annotated[AccessClaims, Depends(auth.required(fresh=timedelta(minutes=5)))]


@app.get("/profile")
async def profile(claims: Caller) -> dict[str, str]:
    """Everybody who is logged in."""
    return {"subject": claims.subject}


@app.get("/admin")
async def admin(claims: Admin) -> dict[str, str]:
    """Administrators only."""
    return {"subject": claims.subject}


@app.post("/transfer")
async def transfer(claims: JustNow) -> dict[str, str]:
    """Whoever gave the password within five minutes."""
    return {"subject": claims.subject}
