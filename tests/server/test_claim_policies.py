"""Accounts whose claims `JWT_REQUIRED_CLAIMS` or `JWT_ALLOWED_VALUES` does not allow."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gatepass.passwords import Passwords
from gatepass.server.app import make_parts
from gatepass.server.state import find_state
from tests.cli.command import Command
from tests.server.world import World, outcome

NO_EMAIL = "the required claim email is missing"
OTHER_ROLE = "the claim role has a value that is not allowed"
POLICIES = [
    pytest.param({"JWT_REQUIRED_CLAIMS": "email"}, NO_EMAIL, id="required"),
    pytest.param({"JWT_ALLOWED_VALUES": '{"role": ["admin"]}'}, OTHER_ROLE, id="allowed"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("environ", "why"), POLICIES)
async def test_an_account_that_the_policy_does_not_allow_is_refused_and_named_in_the_log(
    made: World, here: Path, environ: dict[str, str], why: str
) -> None:
    with made.administration() as (accounts, manager):
        accounts.add("eve", "the password of eve")
        eve = accounts.get("eve")
        before = manager.issue(eve.subject, eve.claims)
    state = find_state(environ, here, create=False)
    made.parts = make_parts(state, Passwords(made.hasher))
    async with made.serve() as world:
        with capture_logs() as told:
            wrong = await world.log_in("eve", "not the password of eve")
            assert told == []
            refused = await world.log_in("eve", "the password of eve")
            refreshed = await world.refresh({"refresh_token": before.refresh_token})

    assert outcome(refused) == outcome(wrong) == (401, "invalid_credentials")
    assert outcome(refreshed) == (401, "refresh_revoked")
    assert [line["subject"] for line in told] == [eve.subject] * 2
    assert all(line["reason"].startswith(f"{why} (JWT_REQUIRED_CLAIMS,") for line in told)


@pytest.mark.parametrize(("environ", "why"), POLICIES)
def test_an_account_that_could_never_log_in_is_not_made(
    command: Command, environ: dict[str, str], why: str
) -> None:
    refused = command(
        "users", "add", "eve", "--password-stdin", stdin="the password of eve", environ=environ
    )

    assert (refused.code, refused.stdout) == (1, "")
    assert f"nobody could log in to this account: {why} (JWT_" in refused.stderr
    assert command("users", "list", "--json").stdout.count("eve") == 0


def test_a_first_start_whose_admin_could_not_log_in_ends(command: Command) -> None:
    environ = {"JWT_ALLOWED_VALUES": '{"role": ["user"]}'}
    refused = command("serve", "--port", "0", environ=environ)

    assert (refused.code, refused.stdout) == (2, "")
    assert OTHER_ROLE in refused.stderr
