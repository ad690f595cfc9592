"""`gatepass users`, as somebody at a shell sees it."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S
from tests.cli.command import Command
from tests.cli.conftest import PASSWORD
from tests.server.running import PROGRAM, environment
from tests.servers.programs import program_of


def test_add_makes_the_state_and_the_account(command: Command) -> None:
    added = command(
        *("users", "add", "Ada", "--email", "ada@example.com", "--role", "author"),
        *("--password-stdin", "--json"),
        stdin=PASSWORD,
    )
    listed = command("users", "list", "--json")

    assert (added.code, added.stderr) == (0, "")
    account = json.loads(added.stdout)
    assert account["username"] == "ada"
    [row] = json.loads(listed.stdout)["users"]
    assert row == {
        "username": "ada",
        "email": "ada@example.com",
        "role": "author",
        "disabled": False,
        "subject": account["subject"],
        "created_at": row["created_at"],
    }
    assert {path.name for path in (command.here / ".gatepass").iterdir()} >= {"secrets.env"}


def test_add_says_what_it_did_for_people(command: Command) -> None:
    added = command("users", "add", "ada", "--password-stdin", stdin=PASSWORD)

    assert added.stdout.startswith("added ada (subject ")
    assert added.stderr == ""


def test_list_is_a_table_for_people(ada: Command) -> None:
    listed = ada("users", "list")

    assert listed.code == 0
    head, row = listed.stdout.splitlines()
    assert head.split() == ["username", "email", "role", "disabled", "subject", "created", "at"]
    assert row.split()[:3] == ["ada", "user", "false"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "reason"),
    [
        (("ada",), PASSWORD, "the user name ada is taken"),
        (("ADA",), PASSWORD, "the user name ada is taken"),
        (("eve",), "short", "at least 8 characters"),
        (("eve",), "x" * 1025, "at most 1024 bytes"),
        (("eve and more",), PASSWORD, "without blanks"),
        (("e" * 65,), PASSWORD, "1 to 64"),
        (("eve\x1b[2J",), PASSWORD, "printable"),
        (("eve", "--role", ""), PASSWORD, "a role is"),
        (("eve", "--email", "a b"), PASSWORD, "an email address is"),
    ],
)
def test_a_bad_account_is_1_and_one_sentence(
    ada: Command, arguments: tuple[str, ...], stdin: str, reason: str
) -> None:
    refused = ada("users", "add", *arguments, "--password-stdin", stdin=stdin)

    assert refused.code == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("gatepass: ")
    assert refused.stderr.count("\n") == 1
    assert reason in refused.stderr
    assert stdin not in refused.stderr


@pytest.mark.parametrize("name", ["disable", "enable", "password"])
def test_an_account_that_is_not_there_is_1(ada: Command, name: str) -> None:
    more = ("--password-stdin",) if name == "password" else ()
    refused = ada("users", name, "eve", *more, stdin=PASSWORD)

    assert refused.code == 1
    assert refused.stderr == "gatepass: there is no account of this user name\n"


def test_disable_and_enable_are_seen_in_the_list(ada: Command) -> None:
    ada("token", "issue", "ada")
    disabled = ada("users", "disable", "ada", "--json")
    repeated = ada("users", "disable", "ADA")
    [row] = json.loads(ada("users", "list", "--json").stdout)["users"]
    enabled = ada("users", "enable", "ada")

    assert json.loads(disabled.stdout) == {"revoked": 1}
    assert repeated.stdout == "disabled; live sessions ended: 0\n"
    assert row["disabled"] is True
    assert (enabled.code, enabled.stdout) == (0, "enabled\n")
    assert json.loads(ada("users", "list", "--json").stdout)["users"][0]["disabled"] is False


def test_a_new_password_ends_the_sessions(ada: Command) -> None:
    token = ada("token", "issue", "ada").stdout
    changed = ada("users", "password", "ada", "--password-stdin", stdin="another password\r\n")
    verified = ada("token", "verify", stdin=token)

    assert changed.stdout == "password set; live sessions ended: 1\n"
    assert verified.code == 1
    assert verified.stderr == "gatepass: the token has been revoked\n"


@pytest.mark.parametrize("stdin", ["", "\n"])
def test_an_empty_standard_input_is_no_password(ada: Command, stdin: str) -> None:
    refused = ada("users", "add", "eve", "--password-stdin", stdin=stdin)

    assert refused.code == 2
    assert "holds no password" in refused.stderr


def test_without_a_terminal_nobody_is_asked(ada: Command) -> None:
    refused = ada("users", "add", "eve", stdin=PASSWORD)

    assert refused.code == 2
    assert "use --password-stdin" in refused.stderr


def test_a_password_is_never_an_argument(ada: Command) -> None:
    assert ada("users", "add", "eve", PASSWORD).code == 2
    assert ada("users", "add", "eve", "--password", PASSWORD).code == 2


def read_until(terminal: int, words: bytes) -> bytes:
    shown = b""
    while words not in shown:
        shown += os.read(terminal, 1024)
    return shown


def test_on_a_terminal_the_password_is_asked_twice_and_not_shown(here: Path) -> None:
    terminal, its_end = pty.openpty()
    with program_of(
        [*PROGRAM, "users", "add", "ada"],
        cwd=here,
        env=environment(),
        stdin=its_end,
        stdout=subprocess.PIPE,
        stderr=its_end,
        start_new_session=True,
    ) as process:
        os.close(its_end)
        shown = read_until(terminal, b"Password: ")
        os.write(terminal, f"{PASSWORD}\n".encode())
        shown += read_until(terminal, b"Repeat for confirmation: ")
        os.write(terminal, f"{PASSWORD}\n".encode())
        stdout, _ = process.communicate(timeout=PATIENCE_S)
        os.close(terminal)

    assert process.returncode == 0
    assert stdout.startswith(b"added ada (subject ")
    assert PASSWORD.encode() not in shown
