"""Guesses of a current password are limited."""

import pytest

from gatepass.http import Limits
from tests.fastapi.answers import assert_refused
from tests.fastapi.test_password_change import NEW, OLD, change, is_alive
from tests.fastapi.world import World
from tests.leaks import Leaks

pytestmark = pytest.mark.anyio
FEW = Limits(login=None, account=None, device=None, password="3/hour")


async def test_guesses_from_one_session_are_limited_and_the_owners_own_is_not(
    leaks: Leaks,
) -> None:
    made = World(leaks=leaks)
    async with made.running(change_password=made.change_password, limits=FEW) as world:
        stolen, own = await world.log_in(), await world.log_in()
        for _ in range(3):
            answer = await change(world, stolen, "a guess of it", "another one")
            assert_refused(answer, "password_wrong")
        answer = await change(world, stolen)

        assert answer.json()["code"] == "rate_limited"
        assert int(answer.headers["retry-after"]) > 60
        assert world.passwords["ada"] == OLD
        assert (await change(world, own)).status_code == 200
        assert world.passwords["ada"] == NEW


async def test_what_is_malformed_or_has_no_right_to_try_is_not_counted(leaks: Leaks) -> None:
    made = World(leaks=leaks)
    async with made.running(change_password=made.change_password, limits=FEW) as world:
        here = await world.log_in()
        for _ in range(5):
            assert_refused(await change(world, here, "", NEW), "invalid_request")
        world.clock.now += 301
        for _ in range(5):
            assert (await change(world, here)).status_code == 401
        world.clock.now -= 301

        assert (await change(world, here)).status_code == 200


async def test_a_store_that_does_not_count_lets_nobody_guess(leaks: Leaks) -> None:
    asked: list[str] = []

    def note(*given: str) -> bool:
        asked.extend(given)
        return True

    made = World(leaks=leaks)
    async with made.running(change_password=note, limits=FEW) as world:
        here = await world.log_in()
        world.store.is_down = True

        assert_refused(await change(world, here), "store_unavailable")
        assert asked == []
        world.store.is_down = False


async def test_what_was_answered_503_can_be_repeated_as_often_as_it_takes(leaks: Leaks) -> None:
    """A store may count and yet not revoke: a lost standby delays only what must be durable."""
    made = World(leaks=leaks)
    async with made.running(change_password=made.change_password, limits=FEW) as world:
        here, there = await world.log_in(), await world.log_in()
        world.store.broken = "revoke_subject"
        for _ in range(5):
            assert_refused(await change(world, here), "store_unavailable")
        world.store.broken = ""

        assert (await change(world, here)).status_code == 200
        assert not await is_alive(world, there)
