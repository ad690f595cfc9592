"""Eight processes count together: guesses, and a typo."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.server.running import Running, gatepass, serving
from tests.server.test_databases import PASSWORD, PLACES, add_ada, database_url, new_secrets
from tests.servers.redis_sets import running

pytestmark = pytest.mark.workers

_AT_ONCE = 8
GUESSES = 40


def log_in(server: Running, password: str, address: str, mark: str = "") -> httpx.Response:
    body = {"username": "ada", "password": password, "device_token": mark}
    with server.client() as client:
        return client.post("/auth/login", json=body, headers={"X-Forwarded-For": address})


@pytest.mark.parametrize(
    ("sql", "redis"), PLACES[:3], ids=["sqlite", "postgres", "sqlite and redis"]
)
def test_eight_workers_count_guesses_together_and_forgive_a_typo(
    sql: str, redis: str, tmp_path: Path
) -> None:
    environ = {**new_secrets(), "DATABASE_URL": database_url(sql, tmp_path)}
    if redis:
        running(redis).flush()
        environ["REDIS_URL"] = running(redis).url
    if sql == "postgres":
        gatepass(["db", "upgrade"], tmp_path, environ=environ)
    add_ada(tmp_path, environ)
    with (
        serving(tmp_path, "--workers", "8", environ=environ) as server,
        ThreadPoolExecutor(_AT_ONCE) as threads,
    ):
        server.headers["X-Forwarded-Proto"] = "https"
        typo, good = (log_in(server, each, "203.0.113.1") for each in ("typo", PASSWORD))

        def guess(number: int) -> int:
            return log_in(server, "a guess", f"198.51.100.{number}").status_code

        guessed = list(threads.map(guess, range(GUESSES)))
        elsewhere = log_in(server, PASSWORD, "203.0.113.2")
        marked = log_in(server, PASSWORD, "203.0.113.2", good.json()["device_token"])

        assert [typo.status_code, good.status_code] == [401, 200]
        assert [guessed.count(status) for status in (401, 429)] == [9, GUESSES - 9]
        assert elsewhere.status_code == 429
        assert 1 <= int(elsewhere.headers["retry-after"]) <= 3600
        assert marked.status_code == 200
        assert server.stop() == 0
