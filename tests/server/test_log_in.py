"""Log-ins with a password over HTTP, and all that must not be possible with them."""

from dataclasses import replace

import anyio
import pytest

from gatepass.http import Limits
from gatepass.passwords import Passwords
from gatepass.server.app import make_parts
from tests.server.world import PASSWORD, CountingHasher, World, outcome

pytestmark = pytest.mark.anyio

WRONG = "not the password of ada"
REFUSED = (401, "invalid_credentials")


async def test_log_in_me_refresh_log_out_and_the_revoked_token_is_refused(world: World) -> None:
    pair = await world.pair()
    me = (await world.me(pair)).json()
    renewed = (await world.refresh(pair)).json()

    assert (me["username"], me["email"], me["role"]) == ("ada", "ada@example.com", "author")
    assert me["sub"] != "ada"
    assert (await world.me(renewed)).status_code == 200
    assert (await world.log_out(renewed)).json() == {"message": "Logged out successfully"}
    assert outcome(await world.me(renewed)) == (401, "token_revoked")
    assert outcome(await world.me(pair)) == (401, "token_revoked")
    assert outcome(await world.refresh(renewed)) == (401, "refresh_revoked")


@pytest.mark.parametrize("typed", ["ADA", "\uff41da", "Ada"])
async def test_a_user_name_has_many_spellings_and_one_account(world: World, typed: str) -> None:
    response = await world.log_in(typed)

    assert response.status_code == 200


async def test_a_password_typed_on_another_keyboard_is_the_same(world: World) -> None:
    with world.administration() as (accounts, _):
        accounts.add("zo\u00eb", "caf\u00e9 au lait")

    assert (await world.log_in("zoe\u0308", "cafe\u0301 au lait")).status_code == 200


async def test_a_disabled_account_is_refused_like_a_wrong_password(world: World) -> None:
    pair = await world.pair()
    with world.administration() as (accounts, manager):
        assert accounts.disable("ada", manager) == 1

    wrong, disabled = await world.log_in(password=WRONG), await world.log_in()
    assert outcome(disabled) == REFUSED
    assert (disabled.content, disabled.headers) == (wrong.content, wrong.headers)
    assert outcome(await world.me(pair)) == (401, "token_revoked")
    assert outcome(await world.refresh(pair)) == (401, "refresh_revoked")


async def test_an_enabled_account_logs_in_again_but_its_old_sessions_stay_ended(
    world: World,
) -> None:
    pair = await world.pair()
    with world.administration() as (accounts, manager):
        accounts.disable("ada", manager)
        accounts.enable("ada")

    assert (await world.log_in()).status_code == 200
    assert outcome(await world.refresh(pair)) == (401, "refresh_revoked")


async def test_a_refresh_shows_the_claims_of_the_moment_and_none_for_the_disabled(
    world: World,
) -> None:
    pair = await world.pair()
    unreached = _Unreached()
    with world.administration() as (accounts, _):
        accounts.disable("ada", unreached)

    assert outcome(await world.refresh(pair)) == (401, "refresh_revoked")


class _Unreached:
    """Ends no session, so that only the account's own state can refuse."""

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        assert subject
        assert reason
        return 0


async def test_a_password_change_logs_everybody_out(world: World) -> None:
    pairs = [await world.pair() for _ in range(3)]
    new = "another password for ada"
    world.leaks.watch(new)
    with world.administration() as (accounts, manager):
        assert accounts.set_password("ada", new, manager) == 3

    for pair in pairs:
        assert outcome(await world.me(pair)) == (401, "token_revoked")
        assert outcome(await world.refresh(pair)) == (401, "refresh_revoked")
    assert outcome(await world.log_in()) == REFUSED
    assert (await world.log_in(password=new)).status_code == 200


async def test_log_ins_of_all_kinds_racing_a_password_change_leave_no_old_session(
    world: World,
) -> None:
    pairs = []

    async def log_in() -> None:
        response = await world.log_in()
        if response.status_code == 200:
            pairs.append(response.json())

    def change() -> None:
        with world.administration() as (accounts, manager):
            accounts.set_password("ada", "another password for ada", manager)

    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(log_in)
            if number == 6:
                group.start_soon(anyio.to_thread.run_sync, change)

    for pair in pairs:
        assert outcome(await world.me(pair)) == (401, "token_revoked")


async def test_a_hash_of_older_parameters_is_renewed_at_the_next_log_in(made: World) -> None:
    with made.administration() as (accounts, _):
        before = accounts.get("ada").password_hash
    stronger = CountingHasher(time_cost=2)
    async with replace(made, parts=make_parts(made.state, Passwords(stronger))).serve() as world:
        assert (await world.log_in()).status_code == 200
        after = world.parts.accounts.get("ada").password_hash
        assert (await world.log_in()).status_code == 200
        kept = world.parts.accounts.get("ada").password_hash

    assert "t=1" in before
    assert "t=2" in after
    assert kept == after


async def test_a_form_of_a_foreign_page_uses_up_no_log_in_of_its_visitor(made: World) -> None:
    made.parts = replace(made.parts, limits=Limits(login="3/minute"))
    form = {"username": "ada", "password": "wrong-password"}
    async with made.serve() as world:
        for _ in range(6):
            headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
            refused = await world.client.post("/auth/login", data=form, headers=headers)
            assert outcome(refused) == (403, "csrf_failed")
        assert world.hasher.verified == []
        good = await world.client.post("/auth/login", data=form | {"password": PASSWORD})

    assert good.status_code == 200
