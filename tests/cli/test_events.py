"""`gatepass events` and `gatepass sessions show`: whose session it was, and from where."""

import json
from typing import Any

from tests.cli.command import Command
from tests.cli.conftest import PASSWORD
from tests.cli.test_sessions import issue


def events(command: Command, *arguments: str) -> list[dict[str, Any]]:
    listed = command("events", "--json", *arguments)
    assert listed.code == 0, listed.stderr
    rows: list[dict[str, Any]] = json.loads(listed.stdout)["events"]
    return rows


def test_what_commands_do_is_kept(ada: Command) -> None:
    pair = issue(ada)
    ada("sessions", "revoke", pair["session_id"])
    ada("users", "password", "ada", "--password-stdin", stdin="another good password")
    ada("users", "disable", "ada")
    ada("users", "enable", "ada")
    ada("sessions", "revoke", "--all")
    found = events(ada)

    assert [row["kind"] for row in found][::-1] == [
        "logged_in",
        "session_revoked",
        "subject_revoked",
        "password_changed",
        "subject_revoked",
        "account_disabled",
        "account_enabled",
        "everybody_revoked",
    ]
    assert [row["reason"] for row in found if row["kind"] == "subject_revoked"] == [
        "account disabled",
        "password changed",
    ]
    assert "another good password" not in json.dumps(found)


def test_events_of_one_account_or_session_alone(ada: Command) -> None:
    ada("users", "add", "eve", "--password-stdin", stdin=PASSWORD)
    hers, his = issue(ada), issue(ada, "eve")
    ada("sessions", "revoke", hers["session_id"])
    rows = events(ada, "--user", "ada")

    assert {row["session_id"] for row in rows} == {hers["session_id"]}
    assert rows == events(ada, "--subject", rows[-1]["subject"])
    assert rows == events(ada, "--session", hers["session_id"])
    assert rows[:1] == events(ada, "--user", "ada", "--limit", "1")
    assert events(ada, "--session", his["session_id"])[0]["kind"] == "logged_in"
    table = ada("events")
    assert table.stdout.splitlines()[0].split()[:3] == ["at", "kind", "subject"]
    assert his["session_id"] in table.stdout


def test_show_says_whose_session_it_was_and_from_where(ada: Command) -> None:
    pair = issue(ada)
    live = json.loads(ada("sessions", "show", pair["session_id"], "--json").stdout)
    ada("sessions", "revoke", pair["session_id"])
    ended = json.loads(ada("sessions", "show", pair["session_id"], "--json").stdout)
    table = ada("sessions", "show", pair["session_id"])

    assert (live["username"], live["live"], live["device"]) == ("ada", True, "gatepass token issue")
    assert (ended["username"], ended["live"]) == ("ada", False)
    assert [row["kind"] for row in ended["events"]] == ["session_revoked", "logged_in"]
    assert "ada" in table.stdout
    assert "session_revoked" in table.stdout


def test_show_of_an_unknown_session_ends_in_one(ada: Command) -> None:
    unknown = ada("sessions", "show", "0" * 34)
    assert (unknown.code, unknown.stdout) == (1, "")
    assert "no event of this session is kept" in unknown.stderr
    assert ada("sessions", "show", "of nobody").code == 2


def test_a_server_that_keeps_none_lists_none(ada: Command) -> None:
    none = {"GATEPASS_EVENT_DAYS": "0"}
    ada("users", "disable", "ada", environ=none)

    assert events(ada) == []
    assert ada("events", environ={"GATEPASS_EVENT_DAYS": "soon"}).code == 2


def test_steps_of_keys_are_kept_where_the_database_is_known(
    command: Command, production: dict[str, str]
) -> None:
    environ = {**production, "GATEPASS_KEY_FILE": "keys.json"}
    del environ["JWT_ACCESS_SECRET"]

    def keys(*arguments: str) -> str:
        done = command("keys", *arguments, environ=environ)
        assert done.code == 0, done.stderr
        return done.stdout.strip()

    old, new, unused = (keys("generate") for _ in range(3))
    command("users", "add", "ada", "--password-stdin", stdin=PASSWORD, environ=environ)
    keys("publish", new)
    keys("promote", new, "--before-everybody-knows-it")
    keys("retire", unused)
    found = json.loads(command("events", "--json", environ=environ).stdout)["events"]

    assert [(row["kind"], row["reason"]) for row in found][::-1] == [
        ("key_promoted", new),
        ("key_retired", old),
        ("key_retired", unused),
    ]


def test_a_step_of_a_key_is_done_where_its_event_cannot_be_kept(
    command: Command, production: dict[str, str]
) -> None:
    environ = {**production, "GATEPASS_KEY_FILE": "keys.json"}
    for _ in range(2):
        made = command("keys", "generate", environ=environ)
    retired = command("keys", "retire", made.stdout.strip(), environ=environ)

    assert (retired.code, retired.stdout) == (0, made.stdout)
    assert "done, but the event key_retired was not kept" in retired.stderr
