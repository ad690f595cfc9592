"""`gatepass keys`: what each step prints, and which are refused."""

import json
import time
from typing import Any

import pytest

from gatepass.jose import KeySet, VerificationKey
from tests.cli.command import Command, Result
from tests.keyfile.steps import age


@pytest.fixture
def keys(command: Command) -> Any:
    """Runs `gatepass keys …` on one file."""
    environ = {"GATEPASS_KEY_FILE": "keys.json"}

    def run(*arguments: str) -> Result:
        return command("keys", *arguments, environ=environ)

    return run


def kid_of(made: Result) -> str:
    assert made.code == 0, made.stderr
    return made.stdout.strip()


def test_a_key_goes_from_next_to_removed_in_the_documented_order(
    keys: Any, command: Command
) -> None:
    old = kid_of(keys("generate"))
    new = kid_of(keys("generate", "--algorithm", "EdDSA"))
    assert kid_of(keys("publish", new[:10])) == new
    age(command.here / "keys.json", 360)
    assert kid_of(keys("promote", new)) == new
    age(command.here / "keys.json", 15 * 60 + 180)
    removed = keys("remove", old, "--json")

    assert json.loads(removed.stdout) == {"removed": old}
    rows = json.loads(keys("list", "--json").stdout)["keys"]
    assert [(row["kid"], row["algorithm"], row["state"]) for row in rows] == [
        (new, "EdDSA", "primary")
    ]


def test_the_wrong_order_is_refused_and_the_time_is_named(keys: Any) -> None:
    old = kid_of(keys("generate"))
    new = kid_of(keys("generate"))
    refused = [keys("promote", new), keys("remove", new), keys("retire", old), keys("remove", old)]
    assert [result.code for result in refused] == [1] * 4
    keys("publish", new)
    early = keys("promote", new)
    assert early.code == 1
    assert time.strftime("%Y-", time.gmtime()) in early.stderr
    assert keys("promote", new, "--before-everybody-knows-it").code == 0
    early = keys("remove", old)
    assert early.code == 1
    assert "may hold until" in early.stderr

    assert keys("remove", old, "--refuse-tokens-that-have-not-expired").code == 0


def test_the_table_says_what_comes_next(keys: Any) -> None:
    keys("generate")
    new = kid_of(keys("generate"))
    assert "may be published" in keys("list").stdout
    keys("publish", new)
    shown = keys("list").stdout
    assert "signs tokens that live 900 s at most" in shown
    assert "may be promoted from" in shown
    keys("retire", new)

    assert "may be removed from" in keys("list").stdout


def test_public_keys_are_exported_and_private_ones_never(keys: Any) -> None:
    kid = kid_of(keys("generate"))
    pem = keys("export", kid).stdout
    jwks = json.loads(keys("export").stdout)

    assert VerificationKey.from_pem(pem).kid == kid
    assert KeySet.from_jwks(jwks).primary.kid == kid
    assert "PRIVATE" not in pem
    assert "d" not in jwks["keys"][0]


def test_the_lifetime_is_the_environments_unless_it_is_given(command: Command) -> None:
    environ = {"GATEPASS_KEY_FILE": "keys.json", "JWT_ACCESS_LIFETIME": "1h"}
    command("keys", "generate", environ=environ)
    command("keys", "generate", "--lifetime", "2h", environ=environ)
    listed = json.loads(command("keys", "list", "--json", environ=environ).stdout)

    assert [row["lifetime"] for row in listed["keys"]] == [3600, 7200]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("keys", "list"), 2),
        (("keys", "list", "--file", "none.json"), 2),
        (("keys", "generate", "--file", "keys.json", "--algorithm", "HS256"), 2),
        (("keys", "generate", "--file", "keys.json", "--lifetime", "soon"), 2),
        (("keys", "generate", "--file", "no/such/folder.json"), 1),
    ],
)
def test_a_command_that_cannot_run_says_so_in_one_sentence(
    arguments: tuple[str, ...], code: int, command: Command
) -> None:
    result = command(*arguments)

    assert result.code == code
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (command.here / "keys.json").exists()
