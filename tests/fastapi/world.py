"""A small application with sign-in, a clock that can be set and a store that can be down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import httpx
from fastapi import Depends, FastAPI

from gatepass import AccessClaims, AsyncTokenManager, TokenPolicy
from gatepass.errors import StoreUnavailable
from gatepass.fastapi import Auth, Authenticate, ChangePassword, Identity, Limits
from gatepass.jose import KeySet, SharedKey, SigningKey
from gatepass.stores.memory import AsyncMemoryStore
from tests.leaks import Leaks

ACCESS_SECRET = "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a"
REFRESH_SECRET = "Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6"
PASSWORDS = {"ada": "correct horse battery", "grace": "staple lantern violet"}
CLAIMS = {
    "ada": {"username": "ada", "role": "admin", "scope": "reports:read reports:write"},
    "grace": {"username": "grace", "role": "user", "scope": "reports:read"},
}
START = 1_800_000_000
ADDRESS = "198.51.100.7"


class Clock:
    """The time of manager, store and `Auth` alike, in seconds."""

    def __init__(self) -> None:
        self.now = float(START)

    def __call__(self) -> float:
        return self.now


class OutageStore(AsyncMemoryStore):
    """A memory store whose database goes away when told to."""

    is_down = False
    broken = ""
    """The one operation that fails though the database is there."""
    checks = 0
    """How often it was asked whether a token was revoked."""


def _asked(name: str) -> Any:
    async def ask(self: OutageStore, *args: Any, **options: Any) -> Any:
        if self.is_down or self.broken == name:
            raise StoreUnavailable from OSError("the disk is gone")
        self.checks += name == "is_revoked"
        return await getattr(AsyncMemoryStore, name)(self, *args, **options)

    return ask


_FAILING = (
    "take give_back issue rotate sessions subject_epoch is_revoked revoke_session revoke_subject"
)
for each in _FAILING.split():
    setattr(OutageStore, each, _asked(each))


@dataclass(kw_only=True)
class World:
    """Everything a test needs at hand."""

    leaks: Leaks
    clock: Clock = field(default_factory=Clock)
    disabled: set[str] = field(default_factory=set)
    passwords: dict[str, str] = field(default_factory=lambda: dict(PASSWORDS))
    app: FastAPI = field(init=False)
    auth: Auth = field(init=False)
    store: OutageStore = field(init=False)
    manager: AsyncTokenManager = field(init=False)
    client: httpx.AsyncClient = field(init=False)

    @asynccontextmanager
    async def running(
        self,
        *,
        authenticate: Authenticate | None = None,
        change_password: ChangePassword | None = None,
        limits: Limits | None = None,
        invalid_token_status: Literal[401, 403] = 403,
        access_keys: SharedKey | SigningKey | KeySet | None = None,
        prefix: str = "/auth",
    ) -> AsyncIterator["World"]:
        """The application with a client; the manager is closed afterwards."""
        self.store = OutageStore(clock=self.clock)
        self.manager = AsyncTokenManager(
            TokenPolicy(issuer="api-server", audience="api-client"),
            access_keys=access_keys or SharedKey.from_secret(ACCESS_SECRET),
            refresh_keys=SharedKey.from_secret(REFRESH_SECRET),
            store=self.store,
            load_claims=self._load_claims,
            now=self.clock,
        )
        self.auth = Auth(
            self.manager,
            authenticate=authenticate or self.authenticate,
            change_password=change_password,
            limits=limits,
            invalid_token_status=invalid_token_status,
            now=self.clock,
        )
        self.app = application(self.auth, prefix)
        self.leaks.watch(ACCESS_SECRET, REFRESH_SECRET, *PASSWORDS.values())
        self.leaks.watch_exceptions(self.app)
        transport = httpx.ASGITransport(app=self.app, client=(ADDRESS, 50_000))
        hooks = self.leaks.hooks()
        async with (
            self.manager,
            httpx.AsyncClient(
                transport=transport, base_url="http://gate.test", event_hooks=hooks
            ) as self.client,
        ):
            yield self

    async def authenticate(self, username: str, password: str) -> Identity | None:
        """Accounts as an application might keep them; the epoch is read first."""
        epoch = await self.manager.subject_epoch(f"user-{username}")
        if self.passwords.get(username) != password or username in self.disabled:
            return None
        return Identity(f"user-{username}", CLAIMS[username], epoch)

    def change_password(self, subject: str, current: str, new: str) -> bool:
        """Keep another password."""
        username = subject.removeprefix("user-")
        if self.passwords[username] != current:
            return self.passwords[username] == new
        self.passwords[username] = new
        return True

    def _load_claims(self, subject: str, _: object) -> dict[str, str] | None:
        username = subject.removeprefix("user-")
        return None if username in self.disabled else CLAIMS[username]

    async def log_in(self, username: str = "ada", **headers: str) -> dict[str, Any]:
        """The token pair of a successful log-in."""
        credentials = {"username": username, "password": self.passwords[username]}
        response = await self.client.post("/auth/login", json=credentials, headers=headers)
        assert response.status_code == 200
        pair: dict[str, Any] = response.json()
        return pair

    async def get(self, path: str, token: str) -> httpx.Response:
        """A GET with an access token."""
        return await self.client.get(path, headers=bearer(token))

    async def refresh(self, refresh_token: str) -> httpx.Response:
        """A refresh."""
        return await self.client.post("/auth/refresh", json={"refresh_token": refresh_token})


def bearer(token: str) -> dict[str, str]:
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {token}"}


def application(auth: Auth, prefix: str = "/auth") -> FastAPI:
    """Sign-in, and one route for each thing that a route can ask for."""
    app = FastAPI()
    auth.install(app, prefix)
    reader = auth.required(scopes=("reports:read",))
    writer = auth.required(scopes=("reports:read", "reports:write"))

    @app.get("/open")
    async def anybody(
        claims: Annotated[AccessClaims | None, Depends(auth.optional())],
    ) -> dict[str, str | None]:
        return {"subject": claims.subject if claims else None}

    @app.get("/private")
    async def private(claims: Annotated[AccessClaims, Depends(auth.required())]) -> dict[str, str]:
        return {"subject": claims.subject}

    @app.get("/reports", dependencies=[Depends(reader)])
    async def reports(claims: Annotated[AccessClaims, Depends(writer)]) -> dict[str, str]:
        return {"subject": claims.subject}

    @app.get("/outage")
    async def outage() -> None:
        raise StoreUnavailable

    return app
