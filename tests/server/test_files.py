"""The state's files: whole, whose they seem, and out of version control from the first moment."""

import os
from pathlib import Path

import pytest

from gatepass.server.files import make_file
from tests.cli.command import Command
from tests.server.test_refused_starts import sentence

ADD = ("users", "add", "ada", "--password-stdin")


def made(command: Command, environ: dict[str, str] | None = None) -> Path:
    """The folder with a state in it."""
    added = command(*ADD, stdin="a long password", environ=environ)
    assert added.code == 0, added.stderr
    return command.here / ".gatepass"


@pytest.mark.parametrize("left", [(), ("secrets.env",)])
def test_a_first_start_that_was_interrupted_leaves_no_secrets_for_version_control(
    command: Command, left: tuple[str, ...]
) -> None:
    home = made(command)
    for file in home.iterdir():
        if file.name not in left:
            file.unlink()
    made(command)

    assert (home / ".gitignore").read_text() == "*\n"


def test_nothing_secret_is_made_where_version_control_would_take_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very first file fails: nothing follows it."""

    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, f"No space left on device: {self} {target}")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    refused = command(*ADD, stdin="a long password")

    assert refused.code == 2
    assert ".gitignore" in refused.stderr
    assert list((command.here / ".gatepass").iterdir()) == []


def test_a_gitignore_of_the_users_own_stays(command: Command) -> None:
    home = made(command)
    (home / ".gitignore").write_text("secrets.env\n")
    made_again = command("users", "add", "bob", "--password-stdin", stdin="a long password")

    assert made_again.code == 0
    assert (home / ".gitignore").read_text() == "secrets.env\n"


def test_a_second_starter_that_comes_too_late_overwrites_no_secrets(tmp_path: Path) -> None:
    """Both saw that there are none; the slower one writes after the faster one has read."""
    file = tmp_path / "secrets.env"
    make_file(file, "first")
    make_file(file, "second")

    assert file.read_text() == "first"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["", "secrets.env"])
def test_secrets_of_another_user_are_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Another user planted them: who runs this owns the folder at most."""
    home = made(command)
    path, mine = home / name, os.geteuid()
    if mine == 0:
        os.chown(path, 65_534, -1)
    else:
        monkeypatch.setattr("os.geteuid", lambda: mine + 1)
        path = home
    said = sentence(command("serve", "--port", "0"))

    assert said.startswith(f"{path} must be yours alone")


@pytest.mark.parametrize("which", ["the file", "its folder"])
def test_a_database_that_everybody_can_write_is_refused(
    command: Command, production: dict[str, str], which: str
) -> None:
    made(command, production)
    path = command.here / "gate.db" if which == "the file" else command.here
    path.chmod(path.stat().st_mode | 0o002)
    for environ in (production, production | {"GATEPASS_ENV": ""}):
        said = sentence(command("serve", "--port", "0", environ=environ))

        assert said == f"{path} can be written by everybody: chmod o-w it"


def test_a_database_that_a_group_can_write_or_another_user_owns_is_said(
    command: Command, production: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made(command, production)
    file = command.here / "gate.db"
    file.chmod(0o660)
    mine = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: mine + 1)
    refused = command(  # the warnings come before the address is found to be no name
        "serve", "--port", "0", environ=production | {"REDIS_URL": "redis://127.0.0.1:1"}
    )

    warned = refused.stderr.splitlines()
    assert len(warned) == 3
    assert f"{file} can be written by its whole group" in warned[0]
    assert f"{file} belongs to another user" in warned[1]
