"""A key is rotated while two servers and a resource server elsewhere are under load."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import pytest
from fastapi import Depends, FastAPI

from gatepass import AsyncTokenVerifier
from gatepass.errors import GatepassError
from gatepass.fastapi import Auth
from gatepass.httpx import TokenAuth
from gatepass.jose import inspect
from gatepass.remote import AsyncRemoteKeySet
from gatepass.server.secrets import generate_secret
from tests.budget import PATIENCE_S, until
from tests.client.world import in_a_thread
from tests.keyfile.steps import KNOWN, age
from tests.server.running import Running, gatepass, serving

LIFETIME_S = 4
CLIENTS = 4
PAUSE_S = 0.05
"""Leaves the machine some time for the tool."""
PASSWORD = "a password for the load"


class Load:
    """Clients that ask three servers in turn and remember every answer but 200."""

    def __init__(self, servers: list[Running], resource: str) -> None:
        self.wrong: list[str] = []
        self.kids: set[str] = set()
        self.answers = 0
        self._is_over = False
        self._threads = [
            threading.Thread(target=self._run, args=(servers, resource, number))
            for number in range(CLIENTS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def go_on(self, for_s: float = 1) -> None:
        """Let it run; every client is answered meanwhile."""
        before = self.answers
        time.sleep(for_s)  # real servers, real clocks
        until(lambda: self.answers > before + 3 * CLIENTS or bool(self.wrong))

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _run(self, servers: list[Running], resource: str, number: int) -> None:
        """One session: its refreshes go to one server, its requests to all three."""
        home = servers[number % len(servers)]
        credentials = {"username": "ada", "password": PASSWORD}
        auth = TokenAuth(f"{home.url}/auth", origins=[resource, *(s.url for s in servers)])
        urls = [*(f"{server.url}/auth/me" for server in servers), f"{resource}/reports"]
        with httpx.Client() as client:
            auth.log_in(client.post(f"{home.url}/auth/login", json=credentials).json())
            client.auth = auth
            while not self._is_over:
                time.sleep(PAUSE_S)
                for url in urls:
                    try:
                        response = client.get(url)
                    except GatepassError as error:
                        self.wrong.append(f"{type(error).__name__}: {error}")
                        continue
                    self.answers += 1
                    if response.status_code != 200 or not _only_expired(response.history):
                        self.wrong.append(f"{url}: {response.text} {response.history}")
                    token = response.request.headers["authorization"].partition(" ")[2]
                    self.kids.add(inspect(token).header["kid"])


def _only_expired(refused: list[httpx.Response]) -> bool:
    """Whether nothing but its age was held against a token."""
    return all(response.json()["code"] == "token_expired" for response in refused)


@contextmanager
def resource_server(jwks_url: str) -> Iterator[str]:
    """An API that knows the servers by their published keys alone."""
    app = FastAPI()
    keys = AsyncRemoteKeySet(jwks_url, max_age=1, cooldown=1)
    verifier = AsyncTokenVerifier(keys, issuer="api-server", audience="api-client")

    auth = Auth(verifier)
    auth.install(app)
    app.get("/reports", dependencies=[Depends(auth.required())])(lambda: "in")
    with in_a_thread(app) as url:
        yield url


@pytest.mark.soak
def test_a_rotation_under_load_refuses_no_request_and_logs_nobody_out(here: Path) -> None:
    environ = {
        "GATEPASS_KEY_FILE": str(here / "keys.json"),
        "JWT_REFRESH_SECRET": generate_secret(),
        "JWT_ACCESS_LIFETIME": f"{LIFETIME_S}s",
        "DATABASE_URL": f"sqlite:///{here}/gate.db",
    }

    def run(*arguments: str, code: int = 0, stdin: str = "") -> str:
        done = gatepass(arguments, here, environ=environ, stdin=stdin)
        assert done.returncode == code, done.stderr
        return done.stdout.strip()

    old = run("keys", "generate")
    run("users", "add", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    with (
        serving(here, environ=environ) as one,
        serving(here, environ=environ, name="two") as two,
        resource_server(f"{two.url}/.well-known/jwks.json") as resource,
        Load([one, two], resource) as load,
    ):
        load.go_on()
        new = run("keys", "generate", "--algorithm", "EdDSA")
        run("keys", "promote", new, code=1)
        run("keys", "publish", new)
        run("keys", "promote", new, code=1)
        load.go_on(for_s=3)  # everybody looks at the file, or at the JWKS, once a second
        age(here / "keys.json", KNOWN)
        run("keys", "promote", new)
        run("keys", "remove", old, code=1)
        load.go_on(for_s=LIFETIME_S + 2)  # by now no token of the old key is left
        age(here / "keys.json", LIFETIME_S + 180)
        run("keys", "remove", old)
        load.go_on(for_s=3)
        published = httpx.get(f"{one.url}/.well-known/jwks.json").json()["keys"]

    assert load.wrong == []
    assert load.kids == {old, new}
    assert [jwk["kid"] for jwk in published] == [new]
