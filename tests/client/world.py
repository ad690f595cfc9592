"""An auth server and API on a real socket, in a thread, with a clock and faults to order."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepass import AsyncTokenManager, TokenPolicy
from gatepass.fastapi import Auth, Identity
from gatepass.httpx import TokenAuth, Tokens, TokenStorage
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore
from tests.budget import PATIENCE_S, until
from tests.fastapi.world import Clock, application

PASSWORD = "correct horse battery"
LIFETIME_S = 900


class Faults:
    """Middleware that counts requests and answers some itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.asked: Counter[str] = Counter()
        self.scripts: dict[str, list[tuple[int, bytes, dict[str, str]]]] = {}
        """By path, what is answered instead, one after the other; the last for ever."""
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.was_asked_to_refresh = threading.Event()
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        self.asked[path] += 1
        script = self.scripts.get(path)
        if script:
            status, body, headers = script.pop(0) if len(script) > 1 else script[0]
            if status:
                await _answer(send, status, body, headers)
                return
        if path != "/auth/refresh":
            await self.app(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        self.was_asked_to_refresh.set()
        await asyncio.to_thread(self.may_answer.wait, PATIENCE_S)
        for message in answer:
            await send(message)


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


class World:
    """The server, its clock, and what went on."""

    def __init__(self, rotation_leeway: float = 10) -> None:
        self.clock = Clock()
        self.manager = AsyncTokenManager(
            TokenPolicy(
                issuer="api-server",
                audience="api-client",
                access_lifetime=LIFETIME_S,
                rotation_leeway=rotation_leeway,
            ),
            access_keys=SharedKey.generate(),
            refresh_keys=SharedKey.generate(),
            store=AsyncMemoryStore(clock=self.clock),
            now=self.clock,
        )
        auth = Auth(self.manager, authenticate=_authenticate, now=self.clock)
        self.faults = Faults(application(auth))
        self.url = ""

    @property
    def refreshes(self) -> int:
        return self.faults.asked["/auth/refresh"]

    @property
    def requests(self) -> int:
        return self.faults.asked["/private"]

    def log_in(self) -> dict[str, Any]:
        """The answer to a log-in."""
        credentials = {"username": "ada", "password": PASSWORD}
        answer: dict[str, Any] = httpx.post(f"{self.url}/auth/login", json=credentials).json()
        return answer

    def tokens(self) -> Tokens:
        return Tokens.from_answer(self.log_in(), now=self.clock())

    def auth(self, tokens: TokenStorage | None = None, **options: Any) -> TokenAuth:
        """Logged in unless a storage is given; time passes when a test says so."""
        options = {"steady": self.clock, **options}
        auth = TokenAuth(f"{self.url}/auth", tokens=tokens, now=self.clock, **options)
        if tokens is None:
            auth.log_in(self.log_in())
        return auth

    def expire(self) -> None:
        """Let every access token expire."""
        self.clock.now += LIFETIME_S + 1

    @contextmanager
    def serve(self) -> Iterator["World"]:
        """On a socket of its own."""
        with Host().serve() as host, self.on(host):
            yield self

    @contextmanager
    def on(self, host: "Host") -> Iterator["World"]:
        """On the socket of a host, at a path of its own."""
        name = str(len(host.apps))
        host.apps[name], self.url = self.faults, f"{host.url}/{name}"
        try:
            yield self
        finally:
            self.faults.may_answer.set()


class Host:
    """A server with an application for each test, so that none meets late requests of another."""

    def __init__(self) -> None:
        self.apps: dict[str, ASGIApp] = {}
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, name, path = scope["path"].split("/", 2)
        await self.apps[name]({**scope, "path": f"/{path}"}, receive, send)

    @contextmanager
    def serve(self) -> Iterator["Host"]:
        with in_a_thread(self) as self.url:
            yield self


@contextmanager
def in_a_thread(app: Any) -> Iterator[str]:
    """The address of an application that a thread of this process serves."""
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


async def _authenticate(username: str, password: str) -> Identity | None:
    return Identity(f"user-{username}", {}) if password == PASSWORD else None
