"""Log-ins with a password over HTTP, and all that must not be possible with them."""

import threading
from dataclasses import replace

import anyio
import pytest

from gatepass.server.app import make_parts
from gatepass.server.limits import AccountLimit, LoginLimit
from gatepass.server.passwords import PasswordPool, Passwords
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


async def test_a_revoked_signature_in_another_spelling_is_still_revoked(world: World) -> None:
    pair = await world.pair()
    await world.log_out(pair)
    padded = {"access_token": pair["access_token"] + "="}

    assert outcome(await world.me(pair)) == (401, "token_revoked")
    assert (await world.me(padded)).status_code in {401, 403}


@pytest.mark.parametrize("typed", ["ADA", "\uff41da", "Ada"])
async def test_a_user_name_has_many_spellings_and_one_account(world: World, typed: str) -> None:
    response = await world.log_in(typed)

    assert response.status_code == 200


async def test_a_password_typed_on_another_keyboard_is_the_same(world: World) -> None:
    with world.administration() as (accounts, _):
        accounts.add("zo\u00eb", "caf\u00e9 au lait")

    assert (await world.log_in("zoe\u0308", "cafe\u0301 au lait")).status_code == 200


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


async def test_an_old_password_log_in_that_races_a_password_change_loses(world: World) -> None:
    """The change happens entirely between the log-in's reads and its issue."""

    def change() -> None:
        world.hasher.meanwhile = lambda: None
        with world.administration() as (accounts, manager):
            accounts.set_password("ada", "another password for ada", manager)

    world.hasher.meanwhile = change
    raced = await world.log_in()

    assert outcome(raced) == REFUSED
    assert outcome(await world.log_in()) == REFUSED


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


async def test_guessing_passwords_ends_in_429_for_the_guessers_address_only(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, limit=LoginLimit("3/minute")))
    async with limited.serve() as world:
        for _ in range(3):
            assert outcome(await world.log_in(password=WRONG)) == REFUSED
        refused = await world.log_in()

        assert outcome(refused) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert len(world.hasher.verified) == 3
        assert (await world.log_in(address="198.51.100.8")).status_code == 200


async def test_a_burst_of_guesses_gets_no_further_than_one_after_the_other(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, limit=LoginLimit("3/minute")))
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


async def test_addresses_of_one_ipv6_network_are_one_guesser(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, limit=LoginLimit("2/minute")))
    async with limited.serve() as world:
        for host in ("2001:db8::1", "2001:db8::ffff:2"):
            await world.log_in(password=WRONG, address=host)

        assert (await world.log_in(address="2001:db8::3")).status_code == 429
        assert (await world.log_in(address="2001:db8:1::3")).status_code == 200


async def test_good_log_ins_are_not_limited(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, limit=LoginLimit("2/minute")))
    async with limited.serve() as world:
        statuses = [(await world.log_in()).status_code for _ in range(5)]

    assert statuses == [200] * 5


async def test_log_ins_beyond_the_pool_are_refused_and_not_piled_up(made: World) -> None:
    pool = PasswordPool(workers=1, waiting=1)
    crowded = replace(made, parts=replace(made.parts, pool=pool))
    released, statuses = threading.Event(), []
    made.hasher.meanwhile = lambda: released.wait(10)
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
            limit=LoginLimit("1000/minute", "1000/minute"),
        ),
    )
    begun, released = threading.Event(), threading.Event()
    statuses: list[int] = []
    victims: list[int] = []

    def hold() -> None:
        begun.set()
        released.wait(10)

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
            with anyio.fail_after(10):
                await anyio.to_thread.run_sync(begun.wait)
                while statuses.count(429) < 16:  # noqa: ASYNC110 - answers, not time
                    await anyio.sleep(0.01)
            group.start_soon(log_in_victim)
            with anyio.fail_after(10):
                while not victims:
                    await anyio.sleep(0.01)
                    released.set()

    assert sorted(statuses) == [200] * 8 + [429] * 16
    assert victims == [200]


async def test_one_account_logs_in_only_so_often_from_however_many_addresses(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, account_limit=AccountLimit("3/minute")))
    async with limited.serve() as world:
        with world.administration() as (accounts, _):
            accounts.add("victim", PASSWORD)
        outcomes = [
            (await world.log_in(address=f"198.51.100.{number}")).status_code for number in range(5)
        ]
        refused = await world.log_in()

        assert outcomes == [200, 200, 200, 429, 429]
        assert outcome(refused) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert len(world.hasher.verified) == 3
        assert (await world.log_in("victim")).status_code == 200


async def test_strangers_cannot_lock_an_account_by_wrong_passwords(made: World) -> None:
    limited = replace(made, parts=replace(made.parts, account_limit=AccountLimit("2/minute")))
    async with limited.serve() as world:
        for number in range(6):
            address = f"198.51.100.{number}"
            assert outcome(await world.log_in(password=WRONG, address=address)) == REFUSED

        assert (await world.log_in()).status_code == 200
