"""`gatepass apikeys`, as somebody at a shell sees it."""

import json
from typing import Any

from tests.cli.command import Command
from tests.passwords.peers import KINDS

HASH = KINDS["django pbkdf2_sha256"]("a password from before")
CREATE = ("apikeys", "create", "ada", "--name", "nightly", "--scope", "read", "--scope", "build")


def create(command: Command, *more: str) -> dict[str, Any]:
    created = command(*CREATE, "--expires", "90d", "--json", *more)
    assert created.code == 0, created.stderr
    made: dict[str, Any] = json.loads(created.stdout)
    return made


def keys(command: Command, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        command("apikeys", "list", "--json", *arguments).stdout
    )["keys"]
    return found


def test_a_key_is_printed_once_alone_on_standard_output(ada: Command) -> None:
    created = ada(*CREATE, "--expires", "90d")
    [listed] = keys(ada)

    assert created.code == 0
    assert created.stdout.startswith("gp_key_")
    assert created.stdout.count("\n") == 1
    assert f"key {listed['key_id']} of ada, expires {listed['expires_at']}; " in created.stderr
    assert created.stdout.strip() not in created.stderr
    assert created.stdout.strip() not in str(listed)
    assert {name: listed[name] for name in ("username", "name", "scopes", "last_used_at")} == {
        "username": "ada",
        "name": "nightly",
        "scopes": "build read",
        "last_used_at": None,
    }
    assert listed["created_at"] < listed["expires_at"]


def test_an_account_is_named_by_its_subject_too(ada: Command) -> None:
    [account] = json.loads(ada("users", "list", "--json").stdout)["users"]
    made = ada(
        *("apikeys", "create", account["subject"], "--name", "x", "--expires", "1d", "--json")
    )

    [listed] = keys(ada, "--user", "ada")
    assert json.loads(made.stdout)["key_id"] == listed["key_id"]
    assert listed["scopes"] == ""
    table = ada("apikeys", "list").stdout
    assert table.splitlines()[0].startswith("key id")
    assert listed["key_id"] in table


def test_a_text_that_names_two_accounts_makes_no_key(ada: Command) -> None:
    lines = f"username,password_hash,subject\n42,{HASH},900\nboss,{HASH},42\n77,{HASH},77\n"
    (ada.here / "users.csv").write_text(lines)
    assert ada("users", "import", "users.csv").code == 0
    both = ada("apikeys", "create", "42", "--name", "x", "--expires", "1d")

    assert (both.code, both.stdout) == (1, "")
    assert "42 is the subject of boss and the user name of another: use boss or 900" in both.stderr
    for owner, username in (("boss", "boss"), ("900", "42"), ("77", "77")):
        assert ada("apikeys", "create", owner, "--name", "x", "--expires", "1d").code == 0
        assert len(keys(ada, "--user", username)) == 1
    assert ada("apikeys", "create", "nobody", "--name", "x", "--expires", "1d").code == 1


def test_a_key_is_revoked_by_its_id_and_no_session_is(ada: Command) -> None:
    made = create(ada)
    pair = json.loads(ada("token", "issue", "ada", "--json").stdout)
    other = ada("apikeys", "revoke", pair["session_id"])
    first = ada("apikeys", "revoke", made["key_id"])
    again = ada("apikeys", "revoke", made["key_id"], "--json")

    assert (other.code, other.stdout) == (0, "live keys ended: 0\n")
    assert (first.code, first.stdout) == (0, "live keys ended: 1\n")
    assert json.loads(again.stdout) == {"revoked": 0}
    assert keys(ada) == []
    assert ada("token", "verify", stdin=pair["access_token"]).code == 0


def test_the_end_of_an_account_ends_its_keys(ada: Command) -> None:
    create(ada)
    assert ada("users", "disable", "ada").stdout == "disabled; live sessions ended: 1\n"
    assert keys(ada) == []


def test_the_events_of_an_account_tell_of_its_keys(ada: Command) -> None:
    made = create(ada)
    ada("apikeys", "revoke", made["key_id"])
    told = ada("events", "--json").stdout

    assert "api_key_issued" in told
    assert "key revoked by an administrator" in told
    assert made["key"] not in told


def test_verify_of_a_token_says_how_to_see_a_key(ada: Command) -> None:
    said = ada("token", "verify", stdin=create(ada)["key"])

    assert said.code == 1
    assert "`gatepass apikeys list`" in said.stderr


def test_wrong_usage_is_told(ada: Command) -> None:
    made = create(ada)
    for arguments, code, sentence in (
        ((*CREATE,), 2, "expires"),
        ((*CREATE, "--expires", "soon"), 2, "as 12h or 90d, at most 3660d"),
        ((*CREATE, "--expires", "0d"), 2, "as 12h or 90d, at most 3660d"),
        ((*CREATE, "--expires", "100000d"), 2, "as 12h or 90d, at most 3660d"),
        ((*CREATE, "--expires", "90"), 2, "write a unit, as in 12h or 90d"),
        ((*CREATE, "--expires", "1h30"), 2, "write a unit, as in 12h or 90d"),
        (("apikeys", "create", "nobody", "--name", "x", "--expires", "1d"), 1, "no account"),
        ((*CREATE, "--expires", "1d", "--scope", "two words"), 1, "scopes"),
        (("apikeys", "revoke", made["key"]), 2, "34 hex digits"),
    ):
        said = ada(*arguments)
        assert said.code == code, (arguments, said.stderr)
        assert sentence in said.stderr
    assert len(keys(ada)) == 1
