"""Requests of any bytes: every answer is the table's, and no exception gets out of the server."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.http import PROBLEMS, Limits
from gatepass.passwords import Passwords
from gatepass.server.app import make_app, make_parts
from gatepass.server.state import find_state
from tests.fuzz.strategies import JSON_VALUES
from tests.server.world import PASSWORD, CountingHasher

CODES = {(problem.status, problem.code) for problem in PROBLEMS}
PATHS = [
    *(f"/auth/{name}" for name in ("login", "refresh", "logout", "logout-all", "password")),
    *("/auth/me", "/auth/sessions"),
    *("/auth/sessions/x", "/healthz", "/.well-known/jwks.json", "/auth", "/", "/docs/oauth2"),
]
TYPES = [b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data", b""]
SCHEMES = [b"Bearer ", b"bearer\t", b"Basic ", b"Bearer a,", b""]
NAMES = ["username", "password", "refresh_token", "grant_type", "scope", "new_password"]

headers = st.lists(
    st.tuples(
        st.just(b"authorization"),
        st.builds(bytes.__add__, st.sampled_from(SCHEMES), st.binary(max_size=40)),
    )
    | st.tuples(st.just(b"content-type"), st.sampled_from(TYPES) | st.binary(max_size=20))
    | st.tuples(
        st.sampled_from([b"user-agent", b"cookie", b"host", b"origin"]), st.binary(max_size=40)
    ),
    max_size=4,
)
bodies = (
    st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), JSON_VALUES, max_size=4).map(
        lambda value: json.dumps(value).encode()
    )
    | st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=9)), max_size=4).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode(
            "utf-8", "surrogatepass"
        )
    )
)


class Server:
    """The ready server as an application, and a loop to ask it on."""

    def __init__(self, here: Path) -> None:
        parts = make_parts(find_state({}, here, create=True), Passwords(CountingHasher()))
        parts.accounts.add("ada", PASSWORD)
        self.runner = asyncio.Runner()
        self.manager = parts.manager
        limits = Limits(login=None, account=None)
        self.app = make_app(replace(parts, limits=limits))

    def ask(
        self, method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """What is answered; raises what the application raises."""
        return self.runner.run(self._ask(method, path, query, headers, body))

    async def _ask(
        self, method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode("utf-8", "replace"),
            "root_path": "",
            "query_string": query,
            "headers": headers,
            "client": ("198.51.100.7", 1),
            "server": ("127.0.0.1", 8000),
            "scheme": "http",
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *rest = sent
        named = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], named, b"".join(part.get("body", b"") for part in rest)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("fuzz"))
    yield server
    server.runner.run(server.manager.close())
    server.runner.close()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH", "BREW"]),
    path=st.sampled_from(PATHS) | st.text(max_size=12).map(lambda text: f"/auth/sessions/{text}"),
    query=st.binary(max_size=20),
    headers=headers,
    body=bodies,
)
def test_every_answer_is_one_of_the_table(
    server: Server,
    method: str,
    path: str,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    status, named, content = server.ask(method, path, query, headers, body)

    if status in {200, 204}:
        return
    answer = json.loads(content)
    assert (status, answer["code"]) in CODES
    assert status < 500
    assert named["content-type"] == "application/json"
    assert named["cache-control"] == "no-store"
    assert set(answer) == {"error", "code"}
    assert status != 401 or "www-authenticate" in named
