"""An `Auth` over everything that FastAPI's takes, a view to guard and a client that asks it."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gatepass import AsyncTokenManager
from gatepass.fastapi import Auth


@pytest.fixture
def auth(kind: Any) -> Auth:
    return Auth(kind)


async def bearer(manager: AsyncTokenManager, scope: str = "read") -> dict[str, str]:
    """The header with a token of these scopes."""
    token = (await manager.issue("ada", {"scope": scope})).access_token
    return {"authorization": f"Bearer {token}"}


def ask(app: FastAPI) -> httpx.AsyncClient:
    """A client of the application."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gate.test")


def view() -> str:
    """Nobody sees its answer without a token."""
    return "secret"
