"""`/readyz`, and what the server answers while its database is down: by policy, never "welcome"."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatepass.errors import SettingsRejected
from gatepass.revocations.staleness import WhenStale
from gatepass.server.staleness import Staleness, read_staleness
from tests.budget import PATIENCE_S, until
from tests.server.running import Running, gatepass, serving
from tests.server.test_databases import add_ada, log_in, me, new_secrets
from tests.server.test_outage import gone
from tests.server.world import World
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_binaries import require_binaries
from tests.servers.redis_server import Server
from tests.servers.redis_sets import start_alone

DB_PASSWORD = "the-password"
ALLOW = WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED.value
OK, REVOKED, DOWN = (200, "ada"), (401, "token_revoked"), (503, "store_unavailable")


@dataclass
class Place:
    """A database of the test's own, and what the environment says of it."""

    database: Server | PostgresServer
    environ: dict[str, str]


@pytest.fixture(params=["redis", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, here: Path) -> Iterator[Place]:
    environ = {**new_secrets(), "GATEPASS_MAX_STALENESS": "0.5"}
    if request.param == "redis":
        [redis] = start_alone("redis 8", tmp_path / "redis", password=DB_PASSWORD).servers
        environ |= {"DATABASE_URL": f"sqlite:///{here}/gate.db", "REDIS_URL": redis.url}
        yield Place(redis, environ)
        redis.stop()
        return
    postgres = PostgresServer(require_binaries(), fsync="off")
    try:
        postgres.start()
        url = postgres.url.replace("@", f":{DB_PASSWORD}@")
        upgraded = gatepass(["db", "upgrade"], here, environ=environ | {"DATABASE_URL": url})
        assert upgraded.returncode == 0, upgraded.stderr
        yield Place(postgres, environ | {"DATABASE_URL": url})
    finally:
        postgres.end()


@contextmanager
def served(place: Place, here: Path, *words: str, policy: str) -> Iterator[Running]:
    environ = {**place.environ, "GATEPASS_WHEN_STALE": policy}
    add_ada(here, environ)
    with serving(here, *words, environ=environ) as server:
        server.headers["X-Forwarded-Proto"] = "https"
        yield server
        assert server.stop() in {0, -signal.SIGTERM}
        assert "Traceback" not in server.stderr
        assert DB_PASSWORD not in server.stdout + server.stderr


def ready(client: httpx.Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    assert DB_PASSWORD not in answer.text
    assert "://" not in answer.text
    assert ("retry-after" in answer.headers) is (answer.status_code == 503)
    return answer.status_code, answer.json()


def until_ready(
    client: httpx.Client, status: int, *, is_fresh: bool, has_accounts: bool = True
) -> dict[str, Any]:
    """What is told once it is so; the accounts are looked at once in five seconds."""
    told: dict[str, Any] = {}

    def is_so() -> bool:
        found, now = ready(client)
        told.update(now)
        is_there = now["accounts"]["down_for"] is None
        return (found, now["revocations"]["fresh"], is_there) == (status, is_fresh, has_accounts)

    until(is_so, lambda: str(told))
    return told


@pytest.mark.workers
@pytest.mark.parametrize(
    ("policy", "status", "verdict"), [("ask", 503, DOWN), ("deny", 503, DOWN), (ALLOW, 200, OK)]
)
def test_a_database_that_dies_is_told_and_lets_no_revoked_token_in(
    place: Place, here: Path, policy: str, status: int, verdict: tuple[int, str]
) -> None:
    with served(place, here, policy=policy) as server, server.client() as client:
        until_ready(client, 200, is_fresh=True)
        pair, other = log_in(client), log_in(client)
        ended = client.post("/auth/logout", json={"refresh_token": other["refresh_token"]})
        assert ended.status_code == 200
        assert (me(client, pair), me(client, other)) == (OK, REVOKED)
        place.database.kill()

        is_postgres = isinstance(place.database, PostgresServer)
        told = until_ready(
            client,
            503 if is_postgres else status,
            is_fresh=False,
            has_accounts=not is_postgres,
        )
        assert told["revocations"]["when_stale"] == policy
        assert told["revocations"]["fails_open"] is (policy == ALLOW)
        assert told["revocations"]["stale_for"]["log"] >= 0
        assert told["revocations"]["down_for"]["log"] > 0
        assert (me(client, pair), me(client, other)) == (verdict, REVOKED)
        refused = client.post("/auth/logout", json={"refresh_token": pair["refresh_token"]})
        assert refused.status_code == 503

        place.database.start()
        told = until_ready(client, 200, is_fresh=True)
        assert (told["status"], told["revocations"]["down_for"]) == ("ready", {})
        assert (me(client, pair), me(client, other)) == (OK, REVOKED)


@pytest.mark.workers
def test_failing_open_is_said_by_every_worker_at_its_start(place: Place, here: Path) -> None:
    with served(place, here, "--workers", "2", policy=ALLOW) as server:
        until(
            lambda: server.stderr.count("revocation checks fail open") == 2, lambda: server.stderr
        )
        with server.client() as client:
            told = until_ready(client, 200, is_fresh=True)

    assert told["revocations"]["fails_open"] is True


@pytest.mark.workers
def test_the_usual_policy_says_nothing_at_the_start(place: Place, here: Path) -> None:
    with served(place, here, policy="") as server, server.client() as client:
        told = until_ready(client, 200, is_fresh=True)

    assert (told["status"], told["revocations"]["when_stale"]) == ("ready", "ask")
    assert "fail open" not in server.stderr


@pytest.mark.anyio
async def test_a_database_file_that_is_gone_is_told(world: World) -> None:
    answer = await world.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["accounts"] == {"down_for": None, "why_down": None}
    assert answer.json()["revocations"]["age"] == 0

    with gone(world.database):
        deadline = time.monotonic() + PATIENCE_S
        while (answer := await world.client.get("/readyz")).status_code != 503:
            assert time.monotonic() < deadline
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["status"] == "not ready"
        assert answer.json()["revocations"]["stale_for"]["log"] >= 0
        assert (await world.client.get("/healthz")).status_code == 200
    while (await world.client.get("/readyz")).status_code != 200:
        assert time.monotonic() < deadline + PATIENCE_S


def test_what_is_not_set_is_two_seconds_and_asks() -> None:
    assert read_staleness({"GATEPASS_MAX_STALENESS": "", "GATEPASS_WHEN_STALE": ""}) == Staleness()
    assert Staleness() == Staleness(max_staleness=2, when_stale=WhenStale.ASK)


def test_a_staleness_and_every_policy_can_be_set() -> None:
    for policy in WhenStale:
        environ = {"GATEPASS_MAX_STALENESS": "0.5", "GATEPASS_WHEN_STALE": policy.value}
        assert read_staleness(environ) == Staleness(max_staleness=0.5, when_stale=policy)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATEPASS_MAX_STALENESS", "soon"),
        ("GATEPASS_MAX_STALENESS", "0"),
        ("GATEPASS_MAX_STALENESS", "61"),
        ("GATEPASS_MAX_STALENESS", "nan"),
        ("GATEPASS_WHEN_STALE", "allow"),
        ("GATEPASS_WHEN_STALE", "ASK"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsRejected, match=variable) as refused:
        read_staleness({variable: value})
    assert json.dumps(value) not in str(refused.value)


def test_a_server_with_a_bad_policy_makes_nothing(here: Path) -> None:
    environ = {"GATEPASS_WHEN_STALE": "allow"}
    refused = gatepass(["serve", "--port", "0"], here, environ=environ)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("gatepass: GATEPASS_WHEN_STALE")
    assert list(here.iterdir()) == []
