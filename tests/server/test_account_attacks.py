"""Accounts under attack: what exceptions hold, and who wins when two things happen at once."""

import traceback
from collections.abc import Callable

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.manager import TokenManager
from gatepass.server.accounts import Accounts
from gatepass.server.errors import AccountRejected
from tests.server.test_outage import locked
from tests.server.world import PASSWORD, World

pytestmark = pytest.mark.anyio

Change = Callable[[Accounts, TokenManager], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts, _: accounts.add("eve", PASSWORD),
        lambda accounts, manager: accounts.set_password("ada", PASSWORD, manager),
    ],
)
async def test_a_password_hash_in_the_text_of_an_exception(world: World, change: Change) -> None:
    with (
        world.administration() as (accounts, manager),
        locked(world.database),
        pytest.raises(StoreUnavailable) as caught,
    ):
        change(accounts, manager)
    shown = "".join(traceback.format_exception(caught.value))

    assert "gatepass_accounts" in shown
    assert "$argon2id$" not in shown


async def test_a_password_hash_in_the_text_of_a_refusal(world: World) -> None:
    with world.administration() as (accounts, _), pytest.raises(AccountRejected) as caught:
        accounts.add("ada", PASSWORD)

    assert "$argon2id$" not in "".join(traceback.format_exception(caught.value))
