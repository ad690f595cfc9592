"""Starts that end at once: exit code 2, one sentence, nothing made."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import __version__ as sqlalchemy_version

from gatepass.server.secrets import generate_secret
from tests.cli.command import Command, Result

SINCE_2_1 = pytest.mark.skipif(
    sqlalchemy_version.startswith("2.0."), reason="SQLAlchemy 2.0 takes %00 as text"
)


def sentence(refused: Result) -> str:
    assert refused.code == 2
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("gatepass: ")
    return refused.stderr.removeprefix("gatepass: ").rstrip()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gate.example", ""])  # noqa: S104
def test_development_binds_loopback_only(command: Command, host: str) -> None:
    assert "only loopback" in sentence(command("serve", "--port", "0", "--host", host))
    scraped = ("--metrics-port", "9464", "--metrics-host", host)
    assert "only loopback" in sentence(command("serve", "--port", "0", *scraped))
    assert list(command.here.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"JWT_ACCESS_SECRET": ""}, "JWT_ACCESS_SECRET"),
        ({"JWT_REFRESH_SECRET": "hunter2"}, "JWT_REFRESH_SECRET"),
        ({"JWT_ACCESS_SECRET": "", "JWT_SECRET": generate_secret()}, "JWT_SECRET"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"REDIS_URL": "redis://cache:port"}, "REDIS_URL"),
        ({"JWT_ACCESS_LIFETIME": "soon"}, "JWT_ACCESS_LIFETIME"),
        ({"JWT_REQUIRED_CLAIMS": "role,tenant"}, "JWT_REQUIRED_CLAIMS names tenant"),
    ],
)
def test_production_refuses_bad_settings_and_makes_nothing(
    command: Command, production: dict[str, str], change: dict[str, str], named: str
) -> None:
    said = sentence(command("serve", "--port", "0", environ=production | change))

    assert said.startswith(named)
    assert ("gatepass secret" in said) is ("SECRET" in named)
    assert list(command.here.iterdir()) == []


def test_development_refuses_a_weak_secret_of_the_environment_and_makes_nothing(
    command: Command,
) -> None:
    said = sentence(command("serve", "--port", "0", environ={"JWT_ACCESS_SECRET": "hunter2"}))

    assert said.startswith("JWT_ACCESS_SECRET")
    assert list(command.here.iterdir()) == []


def test_a_port_in_use_is_said_in_one_sentence(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = sentence(command("serve", "--port", str(port)))

    assert said == (
        f"port {port} of 127.0.0.1 cannot be used: it is in use, "
        "choose another with --port or GATEPASS_PORT"
    )
    assert not (command.here / ".gatepass" / "gatepass.db").exists()


def test_an_address_of_another_machine_is_said_in_one_sentence(
    command: Command, production: dict[str, str]
) -> None:
    refused = command("serve", "--port", "0", "--host", "192.0.2.1", environ=production)

    assert "--host" in sentence(refused)
    assert list(command.here.iterdir()) == []


def replace_by_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("", lambda path: path.chmod(0o755)),
        ("secrets.env", lambda path: path.chmod(0o644)),
        ("secrets.env", replace_by_link),
        ("secrets.env", lambda path: path.write_text("JWT_ACCESS_SECRET=\n")),
    ],
)
def test_secrets_that_others_could_have_read_or_made_are_refused(
    command: Command, name: str, spoil: Callable[[Path], None]
) -> None:
    made = command("users", "add", "ada", "--password-stdin", stdin="a long password")
    path = command.here / ".gatepass" / name
    spoil(path)

    assert made.code == 0
    assert str(path) in sentence(command("serve", "--port", "0"))


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example", " "])
def test_a_host_that_is_no_name_is_said_in_one_sentence(
    command: Command, production: dict[str, str], host: str
) -> None:
    refused = command("serve", "--port", "0", "--host", host, environ=production)

    assert "--host" in sentence(refused)
    assert list(command.here.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        *("?timeout=soon", "?check_same_thread=maybe", "?made=up"),
        pytest.param("%00", marks=SINCE_2_1),
    ],
)
def test_a_database_url_with_bad_options_is_said_in_one_sentence(
    command: Command, production: dict[str, str], options: str
) -> None:
    production["DATABASE_URL"] += options
    sentence(command("serve", "--port", "0", environ=production))

    assert list(command.here.iterdir()) == []
