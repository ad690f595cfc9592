"""`gatepass serve` with several workers, scraped over HTTP as Prometheus does."""

import os
import signal
import stat
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.budget import until
from tests.metrics.scraped import Samples, counted, samples_of
from tests.server.conftest import here
from tests.server.running import Running, free_port, gatepass, serving

pytestmark = pytest.mark.workers
__all__ = ["here"]
WORKERS = 3
WRONG = "a password that nobody has"
NOBODY = "somebody-unknown"
FORGED = "eyJhbGciOiJub25lIn0.e30.forged"


def ask(server: Running, method: str, path: str, token: str = "", **fields: str) -> httpx.Response:
    """One request over a connection of its own, so that any worker may take it."""
    with server.client() as client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.request(method, path, headers=headers, json=fields or None)


def log_in(server: Running, username: str, password: str) -> dict[str, str]:
    answer = ask(server, "POST", "/auth/login", username=username, password=password)
    found: dict[str, str] = answer.json()
    return found


def workers_of(server: Running) -> set[int]:
    """The processes that serve; another child of the supervisor's keeps its resources."""
    pid = server.process.pid
    found = set()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError):  # it has just ended
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(int(child))
    return found


def test_three_workers_are_scraped_as_one_also_after_one_was_killed(here: Path) -> None:
    port, folder = free_port(), here.parent / "temporary"
    folder.mkdir()
    environ = {
        "GATEPASS_METRICS_PORT": str(port),
        "JWT_ROTATION_LEEWAY": "0",
        "TMPDIR": str(folder),
    }

    def text() -> str:
        return httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text

    def samples() -> Samples:
        return samples_of(text())

    with serving(here, "--workers", str(WORKERS), environ=environ) as server:
        [shared] = folder.glob("gatepass-metrics-*")
        assert stat.S_IMODE(shared.stat().st_mode) == 0o700
        for name in ("admin", NOBODY):
            assert log_in(server, name, WRONG)["code"] == "invalid_credentials"
        pairs = [log_in(server, "admin", server.password) for _ in range(3)]
        for _ in range(4):
            assert ask(server, "GET", "/auth/me").status_code == 401
            assert ask(server, "GET", "/auth/me", FORGED).status_code == 403
            assert ask(server, "GET", "/auth/me", pairs[1]["access_token"]).status_code == 200
        stolen = pairs[0]["refresh_token"]
        pairs.append(ask(server, "POST", "/auth/refresh", refresh_token=stolen).json())
        reused = ask(server, "POST", "/auth/refresh", refresh_token=stolen)
        assert reused.json()["code"] == "refresh_reused"
        revoked = ask(server, "GET", "/auth/me", pairs[3]["access_token"])
        assert revoked.json()["code"] == "token_revoked"

        rejected = {
            "invalid_credentials": 2,
            "refresh_reused": 1,
            "token_invalid": 4,
            "token_missing": 4,
            "token_revoked": 1,
        }
        first = samples()
        assert counted(first, "gatepass_events_total") == {
            "logged_in": 3,
            "login_failed": 2,
            "refreshed": 1,
            "refresh_reused": 1,
        }
        assert counted(first, "gatepass_rejections_total") == rejected
        assert first["gatepass_store_seconds_count", "issue"] == 3
        assert first["gatepass_store_seconds_count", "rotate"] == 2
        assert counted(first, "gatepass_store_failures_total") == {}
        assert first["gatepass_watched_connections", ""] == 0
        assert first["gatepass_workers_replaced_total", ""] == 0
        until(lambda: samples()["gatepass_replica_read_timestamp_seconds", ""])

        before = workers_of(server)
        os.kill(min(before), signal.SIGKILL)
        until(lambda: samples()["gatepass_workers_replaced_total", ""] == 1)
        until(lambda: len(workers_of(server)) == WORKERS and workers_of(server) != before)
        assert counted(samples(), "gatepass_rejections_total") == rejected
        for _ in range(8):
            assert ask(server, "GET", "/auth/me").status_code == 401
        assert counted(samples(), "gatepass_rejections_total") == {**rejected, "token_missing": 12}

        tokens = [pair[kind] for pair in pairs for kind in ("access_token", "refresh_token")]
        lines = (here / ".gatepass" / "secrets.env").read_text().splitlines()
        secrets = [line.partition("=")[2] for line in lines]
        held = [*tokens, *secrets, FORGED, server.password, WRONG, NOBODY, "admin"]
        shown = text()
        assert [each for each in held if each in shown] == []
        assert server.stop() == 0
    assert list(folder.glob("gatepass-metrics-*")) == []


def test_one_process_is_scraped_and_another_port_than_a_free_one_ends_the_start(
    here: Path,
) -> None:
    port = free_port()
    with serving(here, "--metrics-port", str(port)) as server:
        assert ask(server, "GET", "/auth/me").status_code == 401
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert counted(samples_of(answer.text), "gatepass_rejections_total") == {"token_missing": 1}
        assert len(names_of(answer.text)) <= 10

        arguments = ["serve", "--port", str(free_port()), "--metrics-port", str(port)]
        second = gatepass(arguments, here)
        assert second.returncode == 2
        assert f"port {port} of 127.0.0.1 cannot be used for metrics" in second.stderr


def names_of(text: str) -> set[str]:
    """The metrics that an answer declares."""
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
