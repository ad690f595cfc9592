"""An account changes its own password: rules, sessions, races and what it costs."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gatepass.http import Limits
from tests.server.world import PASSWORD, World, outcome

pytestmark = pytest.mark.anyio
NEW = "another password for ada"
WRONG = (403, "password_wrong")


async def change(
    world: World, pair: dict[str, Any], current: str = PASSWORD, new: str = NEW
) -> httpx.Response:
    return await world.client.post(
        "/auth/password",
        json={"current_password": current, "new_password": new},
        headers={"Authorization": f"Bearer {pair['access_token']}"},
    )


async def test_an_account_changes_its_password_and_stays_where_it_did(world: World) -> None:
    here, there = await world.pair(), await world.pair()
    before = world.parts.accounts.get("ada")
    assert (await change(world, here)).json() == {"message": "Password changed"}
    after = world.parts.accounts.get("ada")

    assert (await world.me(here)).status_code == 200
    assert (await world.refresh(here)).status_code == 200
    assert outcome(await world.me(there)) == (401, "token_revoked")
    assert outcome(await world.refresh(there)) == (401, "refresh_revoked")
    assert outcome(await world.log_in()) == (401, "invalid_credentials")
    assert (await world.log_in(password=NEW)).status_code == 200
    assert replace(after, password_hash="", updated_ms=0) == replace(
        before, password_hash="", updated_ms=0
    )


@pytest.mark.parametrize(
    ("new", "error"),
    [
        ("1234567", "A password has at least 8 characters"),
        ("password123", "This password is too common: attackers try it first"),
        (" " * 8, "A password is more than blanks"),
        ("\u20ac" * 342, None),
        ("\ufdfa" * 100, "A password is text of at most 1024 bytes"),
    ],
    ids=["short", "common", "blank", "long", "long once it is normal"],
)
async def test_the_rules_are_those_of_every_new_password(
    world: World, new: str, error: str | None
) -> None:
    here, there = await world.pair(), await world.pair()
    answer = await change(world, here, new=new)

    told = {"error": error, "code": "password_rejected"}
    invalid = {"error": "Invalid request", "code": "invalid_request"}
    assert (answer.status_code, answer.json()) == (400, told if error else invalid)
    assert (await world.me(there)).status_code == 200
    assert (await world.log_in()).status_code == 200


async def test_the_user_name_is_no_new_password(world: World) -> None:
    with world.administration() as (accounts, _):
        accounts.add("lovelace", PASSWORD)
    pair = (await world.log_in("lovelace")).json()
    answer = await change(world, pair, new="LoveLace")

    assert answer.json()["error"] == "A password is not the user name"


async def test_a_guess_costs_no_more_than_two_checks_and_tells_nothing_else(world: World) -> None:
    here, there = await world.pair(), await world.pair()
    world.hasher.verified.clear()

    assert outcome(await change(world, here, "a guess of it")) == WRONG
    assert len(world.hasher.verified) == 2
    assert (await world.me(there)).status_code == 200
    assert (await world.log_in()).status_code == 200


async def test_a_repeated_change_is_done_once_and_ends_what_began_since(world: World) -> None:
    here = await world.pair()
    assert (await change(world, here)).status_code == 200
    kept = world.parts.accounts.get("ada").password_hash
    there = (await world.log_in(password=NEW)).json()

    assert (await change(world, here)).status_code == 200
    assert world.parts.accounts.get("ada").password_hash == kept
    assert outcome(await world.me(there)) == (401, "token_revoked")


async def test_a_disabled_account_changes_nothing(world: World) -> None:
    here = await world.pair()
    before = world.parts.accounts.get("ada").password_hash
    with world.administration() as (accounts, _):
        accounts.disable("ada", _Unreached())

    assert outcome(await change(world, here)) == WRONG
    assert world.parts.accounts.get("ada").password_hash == before


class _Unreached:
    """Ends no session."""

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        assert subject
        assert reason
        return 0


async def test_a_log_in_that_checks_the_old_password_meanwhile_loses(world: World) -> None:
    here = await world.pair()
    checking, changed = threading.Event(), threading.Event()

    def stop() -> None:
        world.hasher.meanwhile = lambda: None
        checking.set()
        assert changed.wait(60)

    world.hasher.meanwhile = stop
    late = asyncio.ensure_future(world.log_in())
    await asyncio.to_thread(checking.wait)
    assert (await change(world, here)).status_code == 200
    changed.set()

    assert outcome(await late) == (401, "invalid_credentials")
    [kept] = await world.parts.manager.sessions(world.parts.accounts.get("ada").subject)
    assert kept.session_id == here["session_id"]


async def test_of_two_changes_at_once_one_wins_and_the_other_is_told(world: World) -> None:
    here, there = await world.pair(), await world.pair()
    both = threading.Barrier(2)

    def meet() -> None:
        if len(world.hasher.verified) <= 2:
            both.wait(60)

    world.hasher.verified.clear()
    world.hasher.meanwhile = meet
    first, second = await asyncio.gather(
        change(world, here), change(world, there, new="a third one for ada")
    )
    world.hasher.meanwhile = lambda: None
    good = [answer for answer in (first, second) if answer.status_code == 200]
    [bad] = [answer for answer in (first, second) if answer not in good]

    assert len(good) == 1
    assert outcome(bad) in {WRONG, (401, "token_revoked")}
    new = NEW if good == [first] else "a third one for ada"
    assert (await world.log_in(password=new)).status_code == 200


async def test_guesses_of_one_session_are_limited(made: World) -> None:
    made.parts = replace(made.parts, limits=Limits(login=None, account=None, password="3/hour"))
    async with made.serve() as world:
        here, there = await world.pair(), await world.pair()
        for _ in range(3):
            assert outcome(await change(world, here, "a guess of it")) == WRONG
        assert outcome(await change(world, here)) == (429, "rate_limited")
        assert (await change(world, there)).status_code == 200
