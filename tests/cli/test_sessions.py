"""`gatepass sessions`, as somebody at a shell sees it."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.cli.command import Command
from tests.cli.conftest import PASSWORD


def issue(command: Command, name: str = "ada") -> dict[str, Any]:
    issued = command("token", "issue", name, "--json")
    assert issued.code == 0, issued.stderr
    pair: dict[str, Any] = json.loads(issued.stdout)
    return pair


def session_ids(command: Command, *arguments: str) -> set[str]:
    listed = command("sessions", "list", "--json", *arguments)
    return {row["session_id"] for row in json.loads(listed.stdout)["sessions"]}


def is_accepted(command: Command, pair: dict[str, Any]) -> bool:
    return command("token", "verify", stdin=pair["access_token"]).code == 0


def test_list_shows_whose_sessions_live_and_until_when(ada: Command) -> None:
    pair = issue(ada)
    listed = ada("sessions", "list", "--json")
    table = ada("sessions", "list")

    [row] = json.loads(listed.stdout)["sessions"]
    assert row["session_id"] == pair["session_id"]
    assert row["username"] == "ada"
    assert row["device"] == "gatepass token issue"
    assert row["created_at"] <= row["last_used_at"] < row["expires_at"]
    assert pair["session_id"] in table.stdout
    assert table.stdout.splitlines()[0].startswith("session id")
    assert pair["access_token"] not in listed.stdout + table.stdout
    assert pair["refresh_token"] not in listed.stdout + table.stdout


def test_list_of_one_user_shows_no_others(ada: Command) -> None:
    ada("users", "add", "eve", "--password-stdin", stdin=PASSWORD)
    hers, his = issue(ada), issue(ada, "eve")

    assert session_ids(ada) == {hers["session_id"], his["session_id"]}
    assert session_ids(ada, "--user", "Eve") == {his["session_id"]}
    assert ada("sessions", "list", "--user", "nobody").code == 1


def test_one_session_is_revoked_and_repeating_is_fine(ada: Command) -> None:
    pair, other = issue(ada), issue(ada)
    first = ada("sessions", "revoke", pair["session_id"])
    again = ada("sessions", "revoke", pair["session_id"], "--json")

    assert (first.code, first.stdout) == (0, "live sessions ended: 1\n")
    assert (again.code, json.loads(again.stdout)) == (0, {"revoked": 0})
    assert not is_accepted(ada, pair)
    assert is_accepted(ada, other)


def test_the_sessions_of_one_account_are_revoked(ada: Command) -> None:
    ada("users", "add", "eve", "--password-stdin", stdin=PASSWORD)
    hers, his = issue(ada), issue(ada, "eve")
    revoked = ada("sessions", "revoke", "--user", "eve", "--json")

    assert json.loads(revoked.stdout) == {"revoked": 1}
    assert is_accepted(ada, hers)
    assert not is_accepted(ada, his)


def test_everybody_is_revoked_after_a_backup_was_restored(ada: Command) -> None:
    ada("users", "add", "eve", "--password-stdin", stdin=PASSWORD)
    pairs = [issue(ada), issue(ada), issue(ada, "eve")]
    file, backup = ada.here / ".gatepass" / "gatepass.db", ada.here / "backup.db"
    with closing(sqlite3.connect(file)) as live, closing(sqlite3.connect(backup)) as copy:
        live.backup(copy)
    ada("sessions", "revoke", "--user", "ada")
    for name in ("gatepass.db-wal", "gatepass.db-shm"):
        file.with_name(name).unlink(missing_ok=True)
    file.write_bytes(backup.read_bytes())
    assert all(is_accepted(ada, pair) for pair in pairs), "a backup un-revokes"
    revoked = ada("sessions", "revoke", "--all", "--json")

    kept = (file.with_name("secrets.env")).read_text().splitlines()
    secrets = [line.partition("=")[2] for line in kept if line.startswith("JWT_")]
    tokens = [pair[kind] for pair in pairs for kind in ("access_token", "refresh_token")]
    assert len(secrets) == 2
    assert not any(each.encode() in backup.read_bytes() for each in secrets + tokens)
    assert json.loads(revoked.stdout) == {"revoked": 3}
    assert not any(is_accepted(ada, pair) for pair in pairs)
    assert session_ids(ada) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--all", "--user", "ada"),
        ("5f1c0a77de53a1b2c3d4e5f60718293a4b", "--all"),
        ("not-an-id",),
        ("eyJhbGciOiJIUzI1NiJ9.e30.x",),
    ],
)
def test_revoke_names_exactly_one_thing(ada: Command, arguments: tuple[str, ...]) -> None:
    pair = issue(ada)
    refused = ada("sessions", "revoke", *arguments)

    assert refused.code == 2
    assert refused.stdout == ""
    assert is_accepted(ada, pair)


def test_purge_tells_how_much_went(ada: Command) -> None:
    issue(ada)

    assert ada("sessions", "purge").stdout == "rows removed: 0\n"
    assert json.loads(ada("sessions", "purge", "--json").stdout) == {"purged": 0}


def test_terminal_escapes_of_a_device_are_not_printed(ada: Command) -> None:
    """A client chose it, or somebody who can write the database."""
    issue(ada)
    with closing(sqlite3.connect(ada.here / ".gatepass" / "gatepass.db")) as connection:
        escapes = "\x1b[31mred\x9b2J\u202eevil\nforged row"
        connection.execute("UPDATE gatepass_sessions SET device = ?", [escapes])
        connection.commit()
    listed = ada("sessions", "list")

    assert len(listed.stdout.splitlines()) == 2
    assert "[31mred2Jevilforged row" in listed.stdout
    assert all(line.isprintable() for line in listed.stdout.splitlines())
