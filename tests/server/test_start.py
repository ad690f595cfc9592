"""The first start, the second, two at once, and the starts that are refused."""

import json
import re
import signal
from pathlib import Path

import pytest

from gatepass.server.secrets import generate_secret
from tests.budget import until
from tests.cli.command import Command
from tests.server.running import Running, free_port, gatepass, serving, start

pytestmark = pytest.mark.workers

HOME = ".gatepass"


def log_in(server: Running, password: str) -> dict[str, str]:
    with server.client() as client:
        response = client.post("/auth/login", json={"username": "admin", "password": password})
        assert response.status_code == 200, response.text
        pair: dict[str, str] = response.json()
        return pair


def is_accepted(server: Running, pair: dict[str, str]) -> bool:
    with server.client() as client:
        bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        return client.get("/auth/me", headers=bearer).status_code == 200


def test_a_second_start_keeps_secrets_and_password_and_shows_neither(here: Path) -> None:
    with serving(here) as server:
        password = server.password
        pair = log_in(server, password)
        server.stop()
    secrets = (here / HOME / "secrets.env").read_bytes()

    with serving(here, name="second") as again:
        assert "admin password:" not in again.stdout
        assert password not in again.stdout
        assert "gatepass users password admin" in again.stdout
        assert len(again.lines) == 3
        assert is_accepted(again, pair)
        log_in(again, password)
    assert (here / HOME / "secrets.env").read_bytes() == secrets


def test_two_first_starts_at_once_share_secrets_and_one_admin(here: Path) -> None:
    servers = [start(here, name=name) for name in ("one", "two")]
    try:
        for server in servers:
            server.wait()
        shown = [server for server in servers if "admin password:" in server.stdout]
        pair = log_in(servers[0], shown[0].password)

        assert len(shown) == 1
        assert all(is_accepted(server, pair) for server in servers)
        assert is_accepted(servers[0], log_in(servers[1], shown[0].password))
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost"])
def test_development_binds_any_loopback_address(here: Path, host: str) -> None:
    server = start(here, "--host", host)
    try:
        until(lambda: f"http://{host}:{server.port}" in server.stdout, lambda: server.stderr)
    finally:
        server.process.kill()
        server.process.wait()


def test_production_serves_the_accounts_that_were_added_and_shows_no_password(
    here: Path, production: dict[str, str]
) -> None:
    password = "a password for production"
    added = gatepass(
        ["users", "add", "admin", "--role", "admin", "--password-stdin"],
        here,
        environ=production,
        stdin=password,
    )
    behind = production | {"GATEPASS_TRUSTED_PROXIES": "127.0.0.1"}
    with serving(here, "--host", "0.0.0.0", environ=behind) as server:  # noqa: S104 - meant
        server.headers["X-Forwarded-Proto"] = "https"
        pair = log_in(server, password)

        assert added.returncode == 0, added.stderr
        assert is_accepted(server, pair)
        assert server.stdout == ""
        assert not (here / HOME).exists()
        events = [json.loads(line) for line in server.stderr.splitlines()]
        assert "serving" in [event["event"] for event in events]


def test_production_takes_no_password_over_plain_http(
    here: Path, production: dict[str, str]
) -> None:
    with serving(here, environ=production) as server, server.client() as client:
        form = {"username": "admin", "password": "a password for production"}
        refused = client.post("/auth/login", json=form, headers={"X-Forwarded-Proto": "https"})

        assert refused.status_code == 403
        assert refused.json() == {"error": "HTTPS required", "code": "https_required"}
        assert client.get("/healthz").status_code == 200


def test_secrets_in_the_environment_win_over_the_files(here: Path) -> None:
    with serving(here) as server:
        password = server.password
        pair = log_in(server, password)
        server.stop()

    with serving(here, environ={"JWT_ACCESS_SECRET": generate_secret()}, name="other") as other:
        assert not is_accepted(other, pair)
        assert is_accepted(other, log_in(other, password))


def test_a_command_beside_the_running_server_is_obeyed_at_once(
    here: Path, command: Command
) -> None:
    with serving(here) as server:
        pair = log_in(server, server.password)
        new = "another password"
        changed = command("users", "password", "admin", "--password-stdin", stdin=new)

        assert changed.stdout == "password set; live sessions ended: 1\n"
        assert not is_accepted(server, pair)
        assert is_accepted(server, log_in(server, new))


def test_a_start_after_users_add_names_no_account_that_is_not_there(
    here: Path, command: Command
) -> None:
    command("users", "add", "ada", "--password-stdin", stdin="a long password")
    with serving(here) as server:
        assert "admin" not in server.stdout
        assert "gatepass users list" in server.stdout


def test_development_with_everything_in_the_environment_makes_no_folder(
    here: Path, command: Command, production: dict[str, str]
) -> None:
    environ = production | {"GATEPASS_ENV": ""}
    added = command("users", "add", "ada", "--password-stdin", stdin="8-digits", environ=environ)

    assert added.code == 0
    assert not (here / HOME).exists()


def test_a_misnamed_secret_is_hinted_at_and_a_port_may_be_set(here: Path) -> None:
    port = free_port()
    environ = {"JWT_SECRET": "x" * 40, "GATEPASS_PORT": str(port)}
    process = start(here, environ=environ, port=None)
    try:
        process.port = port
        process.wait()
    finally:
        process.stop()

    hint = "JWT_SECRET is not read: the names are JWT_ACCESS_SECRET and JWT_REFRESH_SECRET"
    assert hint in process.stderr
    assert "x" * 40 not in process.stderr


def test_control_c_is_no_failure(here: Path) -> None:
    with serving(here) as server:
        assert server.stop(signal.SIGINT) == 0
        assert "Traceback" not in server.stderr
        assert "Application shutdown complete" in server.stderr


def use_in_every_way(server: Running) -> list[str]:
    """Every token and password that was used."""
    pair = log_in(server, server.password)
    with server.client() as client:
        bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        client.get("/auth/me", params={"token": pair["access_token"]}, headers=bearer)
        renewed = client.post("/auth/refresh", json=pair).json()
        client.post("/auth/login", json={"username": "admin", "password": "wrong-password"})
        client.post("/auth/logout", json={"refresh_token": renewed["refresh_token"]})
        for access in (pair["access_token"], renewed["access_token"]):
            refused = client.get("/auth/me", headers={"Authorization": f"Bearer {access}"})
            assert refused.status_code == 401
            assert refused.json() == {"error": "Token has been revoked", "code": "token_revoked"}
    tokens = [each[name] for each in (pair, renewed) for name in ("access_token", "refresh_token")]
    return [server.password, "wrong-password", *tokens]


def test_a_signal_ends_it_in_good_order_and_no_log_line_holds_a_secret(here: Path) -> None:
    with serving(here) as server:
        used = use_in_every_way(server)
        status = server.stop()
    kept = (here / HOME / "secrets.env").read_text()
    secrets = [line.partition("=")[2] for line in kept.splitlines()]

    assert status == -signal.SIGTERM
    assert "Application shutdown complete" in server.stderr
    assert "Traceback" not in server.stderr
    assert "GET /auth/me HTTP" in server.stderr
    assert len(secrets) == 2
    for value in (*used, *secrets):
        assert value not in server.stderr
        assert value not in re.sub(r"admin password: \S+|pair=.*", "", server.stdout)
