"""Accounts whose claims are at every limit, and those beyond it."""

import pytest

from gatepass.server.errors import AccountRejected
from tests.server.world import PASSWORD, World

pytestmark = pytest.mark.anyio

SMILE = "\U0001f600"


@pytest.mark.parametrize(
    ("username", "longest"),
    [(SMILE * 64, SMILE * 63), ("\\" * 64, "\\" * 254), ("u" * 64, '"' * 254)],
)
async def test_the_longest_account_can_log_in(world: World, username: str, longest: str) -> None:
    with world.administration() as (accounts, _):
        accounts.add(username, PASSWORD, email=longest, role=longest)
    answer = await world.log_in(username)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", ["email", "role"])
async def test_a_claim_that_no_session_could_carry_is_refused(world: World, name: str) -> None:
    with world.administration() as (accounts, _), pytest.raises(AccountRejected, match="254 bytes"):
        accounts.add("eve", PASSWORD, **{name: SMILE * 64})
