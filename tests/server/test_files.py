"""The state's files: whole, whose they seem, and out of version control from the first moment."""

import os
from collections.abc import Callable
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


COMMANDS = [
    ("serve", "--port", "0"),
    ("users", "list"),
    ADD,
    ("sessions", "purge"),
    ("db", "upgrade"),
    ("db", "current"),
]
FOREIGN = 65_534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
Open = Callable[[Path], Path]


def everybody_writes(name: str, mode: int = 0o777) -> Open:
    def change(folder: Path) -> Path:
        path = folder / name
        path.touch()
        path.chmod(mode)
        return path

    return change


def planted(suffix: str, *, with_database: bool = True) -> Open:
    def change(folder: Path) -> Path:
        path = folder / f"gate.db{suffix}"
        path.touch()
        os.chown(path, FOREIGN, -1)
        if not with_database:
            (folder / "gate.db").unlink()
        return path

    return change


def linked_to_an_open_folder(folder: Path) -> Path:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o1777)
    (folder / "gate.db").rename(elsewhere / "gate.db")
    (folder / "gate.db").symlink_to(elsewhere / "gate.db")
    return elsewhere


OPEN: dict[str, Open] = {
    "a folder": everybody_writes(""),
    "a sticky folder": everybody_writes("", 0o1777),
    "a sticky folder of a group": everybody_writes("", 0o3777),
    "the folder behind a link": linked_to_an_open_folder,
    "the database": everybody_writes("gate.db", 0o602),
    "its log": everybody_writes("gate.db-wal", 0o602),
}
PLANTED: dict[str, Open] = {
    **{f"a planted {suffix}": planted(suffix) for suffix in ("-wal", "-shm", "-journal")},
    "a log that waits for its database": planted("-wal", with_database=False),
}


@pytest.mark.parametrize(
    "what", [*OPEN, *(pytest.param(each, marks=needs_root) for each in PLANTED)]
)
def test_a_database_that_others_can_change_is_opened_by_no_command(
    command: Command, production: dict[str, str], what: str
) -> None:
    made(command, production)
    path = (OPEN | PLANTED)[what](command.here)
    making = [words for words in COMMANDS if words in (ADD, COMMANDS[0]) or words[0] == "db"]
    is_there = (command.here / "gate.db").exists()
    wrong = "belongs to another user (uid 65534)" if what in PLANTED else "can be written by ever"
    for words in COMMANDS if is_there else making:
        for environment in ("production", ""):
            environ = production | {"GATEPASS_ENV": environment}
            said = sentence(command(*words, environ=environ, stdin="a long password"))

            assert said.startswith(f"{path} {wrong}")


@needs_root
def test_root_looks_after_the_database_of_a_service(
    command: Command, production: dict[str, str]
) -> None:
    """And the service finds what root opened beside it."""
    made(command, production)
    for name in ("gate.db", "gate.db-wal", "gate.db-shm"):
        (command.here / name).touch()
        os.chown(command.here / name, FOREIGN, -1)
    listed = command("users", "list", environ=production)

    assert listed.code == 0
    said = (
        f"{command.here / 'gate.db'} belongs to another user, who can make accounts and un-revoke"
    )
    assert listed.stderr == f"gatepass: {said}\n"


@needs_root
def test_members_of_a_group_share_what_stands_beside_their_database(
    command: Command, production: dict[str, str]
) -> None:
    made(command, production)
    (command.here / "gate.db").chmod(0o660)
    (command.here / "gate.db-wal").touch()
    os.chown(command.here / "gate.db-wal", FOREIGN, -1)

    assert command("users", "list", environ=production).code == 0


@pytest.mark.parametrize(("mode", "is_told"), [(0o755, True), (0o750, False)])
def test_a_database_that_everybody_can_read_is_told_where_they_reach_it(
    command: Command, production: dict[str, str], mode: int, *, is_told: bool
) -> None:
    made(command, production)
    (command.here / "gate.db").chmod(0o644)
    command.here.chmod(mode)
    for words in (("users", "list"), ("db", "current")):
        listed = command(*words, environ=production)

        assert listed.code == 0
        assert ("gate.db can be read by everybody" in listed.stderr) is is_told


def test_a_folder_above_that_everybody_can_write_is_told(
    command: Command, production: dict[str, str]
) -> None:
    made(command, production)
    above = command.here.parent
    for mode, is_told in ((0o777, True), (0o1777, False)):
        above.chmod(mode)
        listed = command("users", "list", environ=production)

        assert listed.code == 0
        assert (f"{above} can be written by everybody" in listed.stderr) is is_told


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
