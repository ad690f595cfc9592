"""The real server in this process, over a real database, with a cheap and counted argon2."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from gatepass.errors import StoreUnavailable
from gatepass.events import Event
from gatepass.manager import TokenManager
from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.server.app import Parts, make_app, make_parts
from gatepass.server.databases import open_events
from gatepass.server.events import EventSettings
from gatepass.server.limits import AtOnce
from gatepass.server.state import State, find_state
from gatepass.stores.sql import SqlStore
from tests.leaks import Leaks

PASSWORD = "a password that ada knows"
ADDRESS = "198.51.100.7"


class CountingHasher(PasswordHasher):
    """argon2id at little cost, which tells what it verified, and what happens before it does."""

    def __init__(self, *, time_cost: int = 1) -> None:
        super().__init__(time_cost=time_cost, memory_cost=8, parallelism=1)
        self.verified: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.verified.append(str(hash))
        self.meanwhile()
        return super().verify(hash, password)


@dataclass
class World:
    """One server, one account `ada`, and ways to talk to both."""

    state: State
    parts: Parts
    hasher: CountingHasher
    leaks: Leaks
    app: FastAPI = field(default_factory=FastAPI)
    client: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    @classmethod
    def make(cls, here: Path, leaks: Leaks) -> "World":
        hasher = CountingHasher()
        state = find_state({}, here, create=True)
        parts = make_parts(state, Passwords(hasher))
        parts = replace(parts, limits=None, at_once=AtOnce(100))
        world = cls(state, parts, hasher, leaks)
        with world.administration() as (accounts, _):
            accounts.add("ada", PASSWORD, email="ada@example.com", role="author")
        leaks.watch(PASSWORD, *world.signing_secrets)
        return world

    @property
    def signing_secrets(self) -> list[str]:
        """What the server signs with; it came out of no answer, log line or exception."""
        assert self.state.folder is not None
        lines = (self.state.folder / "secrets.env").read_text().splitlines()
        return [line.partition("=")[2] for line in lines]

    @property
    def database(self) -> Path:
        """The SQLite file."""
        file = self.state.database_file
        assert file is not None
        return file

    @contextmanager
    def administration(self) -> Iterator[tuple[Accounts, TokenManager]]:
        """What the command line has, beside the running server."""
        store = SqlStore.from_url(self.state.settings.sql_url)
        with self.state.settings.manager(store) as manager:
            store.upgrade()
            yield Accounts(store.engine, Passwords(self.hasher)), manager

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["World"]:
        app = make_app(self.parts)
        self.leaks.watch_exceptions(app)
        async with app.router.lifespan_context(app), self.client_at(app, ADDRESS) as client:
            self.client = client
            self.app = app
            yield self
        with suppress(StoreUnavailable):  # of a test that broke the database
            self.leaks.read("events", repr(self.events()))

    def events(self) -> list[Event]:
        """What the table keeps, oldest first; the server writes the last when it ends."""
        table = open_events(self.state, EventSettings())
        try:
            return table.find(limit=100_000)[::-1]
        finally:
            table.close()

    def client_at(self, app: FastAPI, address: str) -> httpx.AsyncClient:
        """A client whose requests come from this address."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 49152)),
            base_url="http://gate.example",
            event_hooks=self.leaks.hooks(),
        )

    async def log_in(
        self, username: str = "ada", password: str = PASSWORD, *, address: str = ADDRESS
    ) -> httpx.Response:
        async with self.client_at(self.app, address) as client:
            return await client.post(
                "/auth/login", json={"username": username, "password": password}
            )

    async def pair(self) -> dict[str, Any]:
        response = await self.log_in()
        assert response.status_code == 200, response.text
        pair: dict[str, Any] = response.json()
        return pair

    async def me(self, pair: dict[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        return await self.client.get("/auth/me", headers=headers)

    async def refresh(self, pair: dict[str, Any]) -> httpx.Response:
        body = {"refresh_token": pair["refresh_token"]}
        return await self.client.post("/auth/refresh", json=body)

    async def log_out(self, pair: dict[str, Any]) -> httpx.Response:
        body = {"refresh_token": pair["refresh_token"]}
        return await self.client.post("/auth/logout", json=body)


def outcome(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.json()["code"]
