"""The server and the command line over every database that the environment may name."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatepass.server.secrets import generate_secret
from tests.budget import PATIENCE_S, until
from tests.cli.command import Command
from tests.server.running import Running, gatepass, serving
from tests.servers.postgres import empty_database
from tests.servers.redis_server import Server
from tests.servers.redis_sets import running

pytestmark = pytest.mark.workers

PASSWORD = "a password that ada knows"
PLACES = [
    ("sqlite", ""),
    ("postgres", ""),
    ("sqlite", "redis 8"),
    ("sqlite", "sentinel"),
    ("postgres", "cluster"),
]


def database_url(kind: str, here: Path) -> str:
    return empty_database("served") if kind == "postgres" else f"sqlite:///{here}/gate.db"


def new_secrets() -> dict[str, str]:
    return {
        "GATEPASS_ENV": "production",
        "GATEPASS_TRUSTED_PROXIES": "127.0.0.1",
        "JWT_ACCESS_SECRET": generate_secret(),
        "JWT_REFRESH_SECRET": generate_secret(),
    }


@pytest.fixture
def secrets() -> dict[str, str]:
    return new_secrets()


@dataclass(frozen=True, slots=True)
class Served:
    """Two workers over the databases of an environment, and commands beside them."""

    here: Path
    environ: dict[str, str]
    server: Running

    def run(self, *words: str, stdin: str = "") -> str:
        done = gatepass(words, self.here, environ=self.environ, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=PLACES, ids=" + ".join)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    sql, redis = request.param
    here = tmp_path_factory.mktemp("served") / "here"
    here.mkdir()
    environ = {**new_secrets(), "DATABASE_URL": database_url(sql, here)}
    if redis:
        running(redis).flush()
        environ["REDIS_URL"] = running(redis).url
    if sql == "postgres":
        gatepass(["db", "upgrade"], here, environ=environ)
    add_ada(here, environ)
    with serving(here, "--workers", "2", environ=environ) as server:
        server.headers["X-Forwarded-Proto"] = "https"
        yield Served(here, environ, server)
        assert server.stop() == 0
    if redis:
        running(redis).flush()


def add_ada(here: Path, environ: Mapping[str, str]) -> None:
    words = ["users", "add", "ada", "--password-stdin"]
    added = gatepass(words, here, environ=environ, stdin=PASSWORD)
    assert added.returncode == 0, added.stderr


def log_in(client: httpx.Client) -> dict[str, str]:
    answer = client.post("/auth/login", json={"username": "ada", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    pair: dict[str, str] = answer.json()
    return pair


def me(client: httpx.Client, pair: Mapping[str, str]) -> tuple[int, str]:
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    answer = client.get("/auth/me", headers=bearer)
    return answer.status_code, answer.json().get("code", answer.json().get("username"))


def test_a_log_in_lives_through_a_refresh_until_its_log_out(served: Served) -> None:
    with served.server.client() as client:
        pair = log_in(client)
        again = client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]}).json()
        assert me(client, again) == (200, "ada")
        assert pair["session_id"] in served.run("sessions", "list", "--json")

        ended = client.post("/auth/logout", json={"refresh_token": again["refresh_token"]})

        assert ended.status_code == 200
    verdicts = set()
    for token in [pair, again] * 10:
        with served.server.client() as client:  # a connection of its own, to either worker
            verdicts.add(me(client, token))
    assert verdicts == {(401, "token_revoked")}


def test_commands_beside_the_server_are_obeyed_at_once(served: Served) -> None:
    with served.server.client() as client:
        first, second = log_in(client), log_in(client)
        served.run("sessions", "revoke", first["session_id"])
        assert me(client, first) == (401, "token_revoked")
        assert me(client, second) == (200, "ada")
        served.run("users", "disable", "ada")

        assert me(client, second) == (401, "token_revoked")
        refused = client.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})
        assert refused.json()["code"] == "refresh_revoked"
    served.run("users", "enable", "ada")


def test_every_worker_follows_the_log_and_says_so(served: Served) -> None:
    told: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(told) < 20:
        with served.server.client() as client:  # a connection of its own, to either worker
            answer = client.get("/readyz")
        if answer.status_code == 200:
            told.append(answer.json())
        else:  # a worker that has just begun
            assert time.monotonic() < deadline, answer.text
            told.clear()
    assert {each["status"] for each in told} == {"ready"}
    assert all(each["revocations"]["fresh"] for each in told)
    assert {each["revocations"]["losses"] for each in told} == {0}


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:  # it has ended since it was listed
        return False


def test_a_worker_that_is_killed_is_replaced(here: Path, secrets: dict[str, str]) -> None:
    environ = {**secrets, "DATABASE_URL": f"sqlite:///{here}/gate.db"}
    add_ada(here, environ)
    with serving(here, "--workers", "2", environ=environ) as server:
        server.headers["X-Forwarded-Proto"] = "https"
        workers = [pid for pid in children(server.process.pid) if is_worker(pid)]
        os.kill(workers[0], signal.SIGKILL)

        def is_replaced() -> bool:
            now = [pid for pid in children(server.process.pid) if is_worker(pid)]
            return len(now) == 2 and workers[0] not in now

        until(is_replaced, lambda: server.stderr)
        with server.client() as client:
            assert me(client, log_in(client)) == (200, "ada")

        assert len(workers) == 2
        assert server.stop() == 0


def sentence(here: Path, environ: Mapping[str, str], *words: str) -> str:
    """What a command that an operator got wrong says before it ends with 2."""
    refused = gatepass(words or ("serve", "--port", "0"), here, environ=environ)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1, refused.stderr
    return refused.stderr.removeprefix("gatepass: ").rstrip()


def test_tables_that_are_missing_are_said_in_one_sentence(
    here: Path, secrets: dict[str, str]
) -> None:
    environ = {**secrets, "DATABASE_URL": database_url("postgres", here)}

    for words in ((), ("users", "list"), ("sessions", "purge")):
        assert "run `gatepass db upgrade`" in sentence(here, environ, *words)


@pytest.fixture(params=[("maxmemory-policy", "allkeys-lru"), ("appendonly", "no")])
def forgetful(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    """A Redis that evicts, or that keeps nothing, and the setting that makes it so."""
    name, value = request.param
    server = Server("redis 8", tmp_path / "forgetful", (f"--{name}", value)).start()
    yield server, name
    server.stop()


def test_a_redis_that_forgets_is_refused_in_production_and_warned_of_in_development(
    here: Path, secrets: dict[str, str], forgetful: tuple[Server, str]
) -> None:
    redis, setting = forgetful
    environ = {**secrets, "DATABASE_URL": f"sqlite:///{here}/gate.db", "REDIS_URL": redis.url}
    said = sentence(here, environ)
    with serving(here, environ=environ | {"GATEPASS_ENV": ""}) as server:
        warned = server.stderr

    assert setting in said
    assert setting in warned


def test_a_missing_extra_is_said_in_one_sentence(
    here: Path, command: Command, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("gatepass.stores.redis")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    environ = {**secrets, "DATABASE_URL": f"sqlite:///{here}/gate.db", "REDIS_URL": "redis://x"}
    refused = command("serve", "--port", "0", environ=environ)

    assert refused.code == 2
    assert refused.stderr == (
        "gatepass: REDIS_URL: redis is not installed, run: pip install 'gatepass[redis]'\n"
    )
    assert list(here.iterdir()) == []
