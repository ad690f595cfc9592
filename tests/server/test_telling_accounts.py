"""What an answer costs tells nobody which accounts there are."""

import pytest
from sqlalchemy import text

from gatepass.passwords import Passwords
from gatepass.server.accounts import Accounts
from gatepass.stores.sql.transactions import pooled_engine_of
from tests.server.world import PASSWORD, CountingHasher, World, outcome

pytestmark = pytest.mark.anyio

WRONG = "not the password of ada"
REFUSED = (401, "invalid_credentials")


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ada", PASSWORD),
        ("ada", WRONG),
        ("eve", PASSWORD),
        ("off", PASSWORD),
        ("a" * 300, PASSWORD),
        (" ", PASSWORD),
        ("nobody", "x"),
    ],
)
async def test_every_log_in_costs_one_argon2_verification_of_the_same_cost(
    world: World, username: str, password: str
) -> None:
    with world.administration() as (accounts, manager):
        accounts.add("off", PASSWORD)
        accounts.disable("off", manager)
    response = await world.log_in(username, password)

    assert response.status_code == (200 if (username, password) == ("ada", PASSWORD) else 401)
    assert len(world.hasher.verified) == 1
    assert world.hasher.verified[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


async def test_telling_accounts_of_older_parameters_by_the_work_of_a_log_in(world: World) -> None:
    """Names that nobody has cost what some account costs, each always the same."""
    older = Passwords(CountingHasher(time_cost=2))
    with world.administration() as (accounts, manager):
        aged = Accounts(pooled_engine_of(world.state.settings.sql_url), older)
        for number in range(8):
            aged.add(f"aged-{number}", PASSWORD)
            accounts.add(f"young-{number}", PASSWORD)
        accounts.disable("aged-0", manager)

    async def cost(username: str) -> str:
        world.hasher.verified.clear()
        assert outcome(await world.log_in(username, WRONG)) == REFUSED
        [verified] = world.hasher.verified
        return verified.split("$")[3]

    names = [f"nobody-{number}" for number in range(24)]
    costs = {name: await cost(name) for name in names}
    again = {name: await cost(name.upper()) for name in names}

    assert await cost("aged-0") == await cost("aged-1") == "m=8,t=2,p=1"
    assert await cost("young-0") == await cost("ada") == "m=8,t=1,p=1"
    assert set(costs.values()) == {"m=8,t=1,p=1", "m=8,t=2,p=1"}
    assert again == costs


async def test_a_stand_in_is_the_same_for_every_process_and_never_lets_anybody_in(
    world: World,
) -> None:
    with world.administration() as (accounts, _):
        subject = accounts.subject_of("nobody")
        assert accounts.check_password(subject, PASSWORD) is None

        assert subject == world.parts.accounts.subject_of("NOBODY")
        assert subject != accounts.subject_of("somebody")
        assert accounts.subject_of("ada") == accounts.get("ada").subject
        assert len(subject) == len(accounts.get("ada").subject)


async def test_without_any_account_a_log_in_costs_the_same(world: World) -> None:
    with world.administration() as (accounts, _), accounts._transaction() as connection:
        connection.execute(text("DELETE FROM gatepass_accounts"))
    assert outcome(await world.log_in()) == REFUSED

    assert [each.split("$")[3] for each in world.hasher.verified] == ["m=8,t=1,p=1"]
