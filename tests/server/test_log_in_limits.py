"""How often somebody may log in, and what nobody can do to others by it."""

import threading
from dataclasses import replace

import anyio
import pytest

from gatepass.http import Limits
from gatepass.passwords import PasswordPool
from gatepass.server.limits import AtOnce
from tests.budget import PATIENCE_S
from tests.server.world import PASSWORD, World, outcome

pytestmark = pytest.mark.anyio

WRONG = "not the password of ada"
REFUSED = (401, "invalid_credentials")


async def test_guessing_passwords_ends_in_429_for_the_guessers_address_only(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, limits=Limits(login="3/minute")))
    async with limited.serve() as world:
        for _ in range(3):
            assert outcome(await world.log_in(password=WRONG)) == REFUSED
        refused = await world.log_in()

        assert outcome(refused) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert len(world.hasher.verified) == 3
        assert (await world.log_in(address="198.51.100.8")).status_code == 200


async def test_a_burst_of_guesses_gets_no_further_than_one_after_the_other(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, limits=Limits(login="3/minute")))
    async with limited.serve() as world:
        outcomes = []

        async def guess() -> None:
            outcomes.append(outcome(await world.log_in(password=WRONG)))

        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(guess)

        assert sorted(outcomes) == [REFUSED] * 3 + [(429, "rate_limited")] * 9
        assert len(world.hasher.verified) == 3
        assert outcome(await world.log_in()) == (429, "rate_limited")


async def test_log_ins_beyond_the_pool_are_refused_and_not_piled_up(made: World) -> None:
    pool = PasswordPool(workers=1, waiting=1)
    crowded = replace(made, parts=replace(made.parts, pool=pool))
    released, statuses = threading.Event(), []
    made.hasher.meanwhile = lambda: released.wait(PATIENCE_S)
    async with crowded.serve() as world:

        async def log_in() -> None:
            response = await world.log_in()
            statuses.append(response.status_code)
            if response.status_code == 429:
                assert response.headers["retry-after"] == "1"
                if statuses.count(429) == 4:
                    released.set()

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(log_in)

        assert sorted(statuses) == [200, 200, 429, 429, 429, 429]
        assert (await world.log_in()).status_code == 200


async def test_one_account_with_the_right_password_cannot_starve_the_others(made: World) -> None:
    """Two addresses log one account in without end; another's log-in finds a place at once."""
    crowded = replace(
        made,
        parts=replace(
            made.parts,
            pool=PasswordPool(workers=1, waiting=9),
            at_once=AtOnce(),
        ),
    )
    begun, released = threading.Event(), threading.Event()
    statuses: list[int] = []
    victims: list[int] = []

    def hold() -> None:
        begun.set()
        released.wait(PATIENCE_S)

    async with crowded.serve() as world:
        with world.administration() as (accounts, _):
            accounts.add("victim", PASSWORD)
        world.hasher.meanwhile = hold

        async def log_in(address: str) -> None:
            statuses.append((await world.log_in(address=address)).status_code)

        async def log_in_victim() -> None:
            victims.append((await world.log_in("victim", address="198.51.100.9")).status_code)

        async with anyio.create_task_group() as group:
            for number in range(24):
                group.start_soon(log_in, f"198.51.100.{number % 2}")
            with anyio.fail_after(PATIENCE_S):
                await anyio.to_thread.run_sync(begun.wait)
                while statuses.count(429) < 16:  # noqa: ASYNC110 - answers, not time
                    await anyio.sleep(0.01)
            group.start_soon(log_in_victim)
            with anyio.fail_after(PATIENCE_S):
                while not victims:
                    await anyio.sleep(0.01)
                    released.set()

    assert sorted(statuses) == [200] * 8 + [429] * 16
    assert victims == [200]


async def test_one_account_has_so_many_guesses_from_however_many_addresses(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, limits=Limits(account="3/hour")))
    async with limited.serve() as world:
        good = await world.log_in(address="203.0.113.1")
        guesses = [
            outcome(await world.log_in(password=WRONG, address=f"198.51.100.{number}"))
            for number in range(5)
        ]
        late = await world.log_in(address="203.0.113.1")
        mark = {"device_token": good.json()["device_token"]}
        marked = await world.client.post(
            "/auth/login", json={"username": "ada", "password": PASSWORD} | mark
        )

        assert guesses == [REFUSED] * 3 + [(429, "rate_limited")] * 2
        assert outcome(late) == (429, "rate_limited")
        assert 1 <= int(late.headers["retry-after"]) <= 3600
        assert marked.status_code == 200
        assert len(world.hasher.verified) == 5


async def test_logins_that_are_turned_away_for_want_of_a_slot_are_no_guesses(made: World) -> None:
    limits = Limits(login=None, account="2/hour")
    pool = PasswordPool(workers=1, waiting=0)
    crowded = replace(made, parts=replace(made.parts, pool=pool, limits=limits))
    released, statuses = threading.Event(), []
    made.hasher.meanwhile = lambda: released.wait(PATIENCE_S)
    async with crowded.serve() as world:

        async def log_in() -> None:
            statuses.append((await world.log_in()).status_code)
            if statuses == [429]:
                released.set()

        async with anyio.create_task_group() as group:
            group.start_soon(log_in)
            group.start_soon(log_in)

        assert statuses == [429, 200]
        for _ in range(2):
            assert outcome(await world.log_in(password=WRONG)) == REFUSED
        assert outcome(await world.log_in()) == (429, "rate_limited")
