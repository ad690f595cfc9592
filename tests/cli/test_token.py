"""`gatepass token`, as somebody at a shell sees it."""

import json

import pytest

from gatepass.jose import SharedKey, sign
from tests.cli.command import Command


def test_issue_prints_a_token_that_verifies(ada: Command) -> None:
    issued = ada("token", "issue", "ada")
    verified = ada("token", "verify", "--json", stdin=issued.stdout)

    assert (issued.code, issued.stderr) == (0, "")
    assert issued.stdout.count(".") == 2
    claims = json.loads(verified.stdout)
    assert (claims["username"], claims["role"]) == ("ada", "user")
    assert (verified.code, verified.stderr) == (0, "")


def test_issue_as_json_is_the_pair(ada: Command) -> None:
    pair = json.loads(ada("token", "issue", "ada", "--json").stdout)

    assert list(pair) == [
        *("access_token", "refresh_token", "token_type", "expires_in"),
        *("refresh_expires_in", "session_id"),
    ]


def test_nothing_is_issued_for_nobody_and_the_disabled(ada: Command) -> None:
    ada("users", "disable", "ada")
    unknown, disabled = ada("token", "issue", "eve"), ada("token", "issue", "ada")

    assert unknown.code == disabled.code == 1
    assert unknown.stdout == disabled.stdout == ""
    assert disabled.stderr == "gatepass: the subject is disabled\n"


def test_verify_prints_claims_for_people(ada: Command) -> None:
    token = ada("token", "issue", "ada").stdout
    verified = ada("token", "verify", stdin=f"Bearer {token}")

    assert 'username: "ada"' in verified.stdout.splitlines()
    assert token.strip() not in verified.stdout


def test_verify_refuses_a_revoked_a_forged_and_no_token(ada: Command) -> None:
    pair = json.loads(ada("token", "issue", "ada", "--json").stdout)
    forged = sign({"sub": "ada"}, SharedKey.generate(), typ="at+jwt")
    ada("sessions", "revoke", pair["session_id"])
    texts = [pair["access_token"], pair["refresh_token"], forged, "nonsense", ""]
    refusals = [ada("token", "verify", stdin=text) for text in texts]

    assert [refused.code for refused in refusals] == [1] * 5
    assert [refused.stdout for refused in refusals] == [""] * 5
    assert [refused.stderr for refused in refusals] == [
        "gatepass: the token has been revoked\n",
        "gatepass: the token is invalid: no key that is accepted here signed it\n",
        "gatepass: the token is invalid: no key that is accepted here signed it\n",
        "gatepass: the token is malformed: it has no dots: it is opaque, and not a JWT\n",
        "gatepass: there is no token\n",
    ]


@pytest.mark.parametrize("name", ["verify", "inspect"])
def test_a_token_is_never_an_argument(ada: Command, name: str) -> None:
    token = ada("token", "issue", "ada").stdout.strip()
    refused = ada("token", name, token)

    assert refused.code == 2
    assert refused.stdout == ""


def test_inspect_needs_no_state_and_says_that_it_trusts_nothing(command: Command) -> None:
    token = sign({"sub": "ada", "note": "\x1b[2J"}, SharedKey.generate(), typ="at+jwt")
    shown = command("token", "inspect", stdin=token)
    as_json = command("token", "inspect", "--json", stdin=token)

    assert shown.code == as_json.code == 0
    assert shown.stderr == as_json.stderr == "gatepass: nothing was verified\n"
    assert json.loads(as_json.stdout) == {
        "header": {"alg": "HS256", "typ": "at+jwt"},
        "claims": {"sub": "ada", "note": "\x1b[2J"},
    }
    assert 'sub: "ada"' in shown.stdout
    assert "\x1b" not in shown.stdout + as_json.stdout
    assert token.rpartition(".")[2] not in shown.stdout + as_json.stdout
    assert list(command.here.iterdir()) == []


def test_inspect_hides_what_refreshes_a_session(ada: Command) -> None:
    pair = json.loads(ada("token", "issue", "ada", "--json").stdout)
    shown = ada("token", "inspect", "--json", stdin=pair["refresh_token"])

    assert json.loads(shown.stdout)["claims"]["sec"] == "(hidden)"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("nonsense", "it has no dots"),
        ("a.b.c", "a part of it is not canonical base64url"),
        ("e30.e30.e30.e30.e30", "it has five parts"),
    ],
)
def test_inspect_refuses_what_is_no_token(command: Command, text: str, why: str) -> None:
    refused = command("token", "inspect", stdin=text)

    assert refused.code == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith(f"gatepass: the token is malformed: {why}")
    assert refused.stderr.count("\n") == 1


def test_names_of_claims_cannot_command_the_terminal(ada: Command) -> None:
    escape = "\x1b]0;taken over\x07\x1b[2J"
    token = sign({escape: escape}, SharedKey.generate(), typ=escape)
    inspected = ada("token", "inspect", stdin=token)

    assert inspected.code == 0
    assert "taken over" in inspected.stdout
    assert inspected.stdout.replace("\n", "").isprintable()


def test_opaque_tokens_are_issued_verified_and_explained(ada: Command) -> None:
    jwt = ada("token", "issue", "ada").stdout
    opaque = {"JWT_ACCESS_FORMAT": "opaque"}
    token = ada("token", "issue", "ada", environ=opaque).stdout.strip()
    verified = ada("token", "verify", "--json", stdin=token, environ=opaque)
    shown = ada("token", "inspect", stdin=token, environ=opaque)
    as_json = ada("token", "inspect", "--json", stdin=token, environ=opaque)
    cut, late = (
        ada("token", "inspect", stdin=token[:-1], environ=opaque),
        ada("token", "verify", stdin=jwt, environ=opaque),
    )

    assert token.startswith("gp_at_")
    assert json.loads(verified.stdout)["username"] == "ada"
    assert shown.stdout == "an opaque access token: its claims are in the store\n"
    assert "`gatepass token verify` looks the token up in the store" in shown.stderr
    assert json.loads(as_json.stdout) == {"kind": "opaque access token"}
    assert token[9:] not in shown.stdout + shown.stderr + as_json.stdout + verified.stdout
    assert cut.code == late.code == 1
    assert "its length or its checksum is wrong" in cut.stderr
    assert "opaque tokens only" in late.stderr
