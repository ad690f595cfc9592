"""The program as a whole: help, exit codes, missing extras, missing state."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.server.running import environment, gatepass

COMMANDS = [
    ("serve",),
    ("secret",),
    *(("users", name) for name in ("add", "list", "disable", "enable", "password")),
    *(("sessions", name) for name in ("list", "revoke", "purge")),
    *(("token", name) for name in ("issue", "verify", "inspect")),
    *(("db", name) for name in ("upgrade", "current")),
]
NEED_STATE = [
    ("users", "list"),
    ("users", "disable", "ada"),
    ("users", "enable", "ada"),
    ("users", "password", "ada"),
    ("sessions", "list"),
    ("sessions", "revoke", "--all"),
    ("sessions", "purge"),
    ("token", "issue", "ada"),
    ("token", "verify"),
]


def test_the_help_of_every_command_ends_with_examples(command: Command) -> None:
    for words in COMMANDS:
        shown = command(*words, "--help")

        assert (shown.code, shown.stderr) == (0, "")
        examples = shown.stdout.partition("Examples:\n")[2].splitlines()
        assert len([line for line in examples if f"gatepass {' '.join(words)}" in line]) >= 2
        assert examples[-1].startswith("  ")


def test_the_help_of_the_program_tells_the_exit_codes(command: Command) -> None:
    shown = command("--help")

    assert shown.code == 0
    for line in ("  0  done", "  1  rejected", "  2  wrong usage"):
        assert line in shown.stdout


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("users", "add"), ("serve", "--port", "x"), ("secret", "--no")]
)
def test_wrong_usage_is_2_and_is_said_on_standard_error(
    command: Command, arguments: tuple[str, ...]
) -> None:
    refused = command(*arguments)

    assert refused.code == 2
    assert refused.stdout == ""
    assert "Usage: gatepass" in refused.stderr


def test_without_state_a_command_says_how_to_start_and_makes_nothing(
    command: Command, production: dict[str, str]
) -> None:
    for arguments in NEED_STATE:
        refused = command(*arguments)
        in_production = command(*arguments, environ=production)

        assert (refused.code, refused.stdout, in_production.code) == (2, "", 2)
        assert refused.stderr.startswith("gatepass: no gatepass here (")
        assert refused.stderr.endswith("start with `gatepass serve`\n")
        assert "there is no database at" in in_production.stderr
        assert list(command.here.iterdir()) == []


@pytest.mark.parametrize("settings", [{}, {"GATEPASS_ENV": "development"}])
def test_a_database_in_a_folder_that_is_missing_is_one_sentence_with_the_folder(
    command: Command, production: dict[str, str], settings: dict[str, str]
) -> None:
    folder = command.here / "nowhere"
    url = {"DATABASE_URL": f"sqlite:///{folder}/gate.db"}
    told = f"gatepass: the database's folder does not exist: {folder}, make it first\n"
    for arguments in (("serve",), ("db", "upgrade"), *NEED_STATE):
        refused = command(*arguments, environ=production | settings | url)

        assert (refused.code, refused.stderr) == (2, told)
        assert list(command.here.iterdir()) == []


def test_a_database_that_does_not_answer_is_1_and_one_sentence(ada: Command) -> None:
    database = ada.here / ".gatepass" / "gatepass.db"
    for file in database.parent.glob("gatepass.db*"):
        file.write_bytes(b"not a database at all" * 500)
    refused = ada("users", "list")

    assert refused.code == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("gatepass: ")
    assert refused.stderr.count("\n") == 1


def run_without(module: str, here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program in a Python where this module is not installed."""
    program = (
        f"import sys; sys.modules[{module!r}] = None; from gatepass.cli import main; "
        f"main({list(arguments)!r})"
    )
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=here,
        env=environment({"DATABASE_URL": "postgresql://gate@db/gate"} if "db" in arguments else {}),
        input="a password on standard input",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "extra", "arguments"),
    [
        ("typer", "cli", ("secret",)),
        ("rich", "cli", ("secret",)),
        ("fastapi", "server", ("serve",)),
        ("uvicorn", "server", ("serve",)),
        ("sqlalchemy", "server", ("users", "list")),
        ("argon2", "server", ("users", "add", "ada", "--password-stdin")),
        ("pydantic_settings", "server", ("sessions", "list")),
        ("alembic", "server", ("serve",)),
        ("structlog", "server", ("serve",)),
        ("psycopg", "postgres", ("db", "upgrade")),
        ("greenlet", "postgres", ("db", "upgrade")),
    ],
)
@pytest.mark.programs
def test_a_missing_extra_is_one_sentence_with_the_line_to_run(
    here: Path, module: str, extra: str, arguments: tuple[str, ...]
) -> None:
    refused = run_without(module, here, *arguments)

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr == (
        f"gatepass: {module} is not installed, run: pip install 'gatepass[{extra}]'\n"
    )
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("module", ["sqlalchemy", "fastapi", "argon2", "pydantic_settings"])
@pytest.mark.programs
def test_a_secret_needs_the_cli_extra_only(here: Path, module: str) -> None:
    assert run_without(module, here, "secret").returncode == 0


def test_a_secret_is_long_and_never_the_same(command: Command) -> None:
    first, second = command("secret"), command("secret", "--json")

    assert first.code == second.code == 0
    assert first.stderr == second.stderr == ""
    made = [first.stdout.strip(), json.loads(second.stdout)["secret"]]
    assert len(set(made)) == 2
    assert all(len(secret) >= 43 for secret in made)


def test_a_made_secret_is_one_that_serves(command: Command, production: dict[str, str]) -> None:
    for name in ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET"):
        production[name] = command("secret").stdout.strip()
    added = command(
        "users", "add", "ada", "--password-stdin", stdin="a password", environ=production
    )

    assert added.code == 0, added.stderr


def test_the_program_tells_its_version(command: Command) -> None:
    shown = command("--version")

    assert (shown.code, shown.stderr) == (0, "")
    assert shown.stdout == f"gatepass {version('gatepass')}\n"


def test_the_program_runs_as_its_own_process(here: Path) -> None:
    made = gatepass(["secret"], here)

    assert made.returncode == 0
    assert made.stderr == ""
    assert len(made.stdout.strip()) >= 43


def test_terminal_escapes_of_an_argument_are_not_printed(command: Command) -> None:
    refused = command("serve", "--port", "0", "--host", "\x1b[31mred\x1b]0;title\x07")

    assert refused.code == 2
    assert "[31mred" in refused.stderr
    assert refused.stderr.removesuffix("\n").isprintable()
