"""Changing a password beside the rows of `tests/web`: kinds of hooks, outages and races."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gatepass import AsyncTokenManager, TokenVerifier
from gatepass.errors import ClaimsRejected, PasswordRejected, StoreUnavailable
from gatepass.fastapi import Auth
from gatepass.http import RequestRefused
from gatepass.http.problems import RATE_LIMITED
from gatepass.jose import SharedKey
from tests.fastapi.answers import assert_refused, assert_unstored
from tests.fastapi.world import PASSWORDS, World, bearer
from tests.leaks import Leaks

pytestmark = pytest.mark.anyio
OLD = PASSWORDS["ada"]
NEW = "amber lantern hums"
Pair = dict[str, Any]


async def change(world: World, pair: Pair, current: str = OLD, new: str = NEW) -> httpx.Response:
    return await world.client.post(
        "/auth/password",
        json={"current_password": current, "new_password": new},
        headers=bearer(pair["access_token"]),
    )


async def is_alive(world: World, pair: Pair) -> bool:
    me = await world.get("/auth/me", pair["access_token"])
    refreshed = await world.refresh(pair["refresh_token"])
    assert (me.status_code == 200) == (refreshed.status_code == 200)
    return me.status_code == 200


def kinds(world: World) -> dict[str, Callable[..., Any]]:
    async def coroutine(*given: str) -> bool:
        return world.change_password(*given)

    def promise(*given: str) -> Awaitable[bool]:
        return coroutine(*given)

    class Hook:
        async def __call__(self, *given: str) -> bool:
            return world.change_password(*given)

    return {
        "plain": world.change_password,
        "coroutine": coroutine,
        "promise": promise,
        "object": Hook(),
    }


@pytest.mark.parametrize("kind", ["plain", "coroutine", "promise", "object"])
async def test_a_changed_password_ends_every_other_session_and_keeps_this_one(
    leaks: Leaks, kind: str
) -> None:
    made = World(leaks=leaks)
    async with made.running(change_password=kinds(made)[kind]) as world:
        here, there, grace = (
            await world.log_in(),
            await world.log_in(),
            await world.log_in("grace"),
        )
        answer = await change(world, here)

        assert (answer.status_code, answer.json()) == (200, {"message": "Password changed"})
        assert_unstored(answer)
        assert await is_alive(world, here)
        assert await is_alive(world, grace)
        assert not await is_alive(world, there)
        await world.log_in()


async def test_session_claims_stay_through_a_change(leaks: Leaks) -> None:
    made = World(leaks=leaks)
    async with made.running(change_password=made.change_password) as world:
        pair = await world.manager.issue("user-ada", session_claims={"org": "acme", "amr": ["hwk"]})
        assert (await change(world, pair.to_dict())).status_code == 200
        renewed = (await world.refresh(pair.refresh_token)).json()
        claims = await world.manager.verify(renewed["access_token"])

    assert (claims["org"], claims["amr"]) == ("acme", ["hwk"])


async def test_without_the_hook_there_is_no_route(world: World) -> None:
    pair = await world.log_in()

    assert (await change(world, pair)).status_code == 404
    assert "/auth/password" not in world.app.openapi()["paths"]


@pytest.mark.parametrize("wrong", [None, 1, "yes"])
async def test_a_hook_that_says_neither_yes_nor_no_is_a_mistake(leaks: Leaks, wrong: Any) -> None:
    async with World(leaks=leaks).running(change_password=lambda *_: wrong) as world:
        here, there = await world.log_in(), await world.log_in()
        with pytest.raises(TypeError, match="change_password returns True or False, not"):
            await change(world, here)

        assert await is_alive(world, there)


async def test_what_is_no_function_is_rejected_at_once(world: World) -> None:
    wrong: Any = "accounts.change_password"
    with pytest.raises(TypeError, match="change_password is a function of subject"):
        Auth(world.manager, change_password=wrong)
    verifier = TokenVerifier(SharedKey.generate(), issuer="a", audience="b")
    with pytest.raises(TypeError, match="change_password need a manager"):
        Auth(verifier, change_password=lambda *_: True)


async def test_a_rule_is_told_in_its_own_words_and_ends_nothing(leaks: Leaks) -> None:
    def refuse(*_: str) -> bool:
        raise PasswordRejected("a passphrase names no pet")

    async with World(leaks=leaks).running(change_password=refuse) as world:
        here, there = await world.log_in(), await world.log_in()
        answer = await change(world, here)

        assert answer.status_code == 400
        assert answer.json() == {
            "error": "A passphrase names no pet",
            "code": "password_rejected",
        }
        assert await is_alive(world, there)


@pytest.mark.parametrize(
    ("error", "code", "after"),
    [
        (StoreUnavailable(), "store_unavailable", "2"),
        (RequestRefused(RATE_LIMITED, retry_after=1), "rate_limited", "1"),
    ],
    ids=["store", "pool"],
)
async def test_a_hook_that_cannot_answer_now_changes_nothing(
    leaks: Leaks, error: Exception, code: str, after: str
) -> None:
    def fail(*_: str) -> bool:
        raise error

    async with World(leaks=leaks).running(change_password=fail) as world:
        here, there = await world.log_in(), await world.log_in()
        answer = await change(world, here)

        assert_refused(answer, code, retry_after=after)
        assert await is_alive(world, there)


async def test_a_fault_of_the_application_is_no_refusal(leaks: Leaks) -> None:
    def fail(*_: str) -> bool:
        raise ClaimsRejected("a fault")

    async with World(leaks=leaks).running(change_password=fail) as world:
        with pytest.raises(ClaimsRejected):
            await change(world, await world.log_in())


async def test_a_store_that_fails_after_the_change_is_told_and_the_same_call_repeats_it(
    leaks: Leaks,
) -> None:
    made = World(leaks=leaks)

    fails = [True, False]

    def store_and_fail(*given: str) -> bool:
        done = made.change_password(*given)
        made.store.is_down = fails.pop(0)
        return done

    async with made.running(change_password=store_and_fail) as world:
        here, there = await world.log_in(), await world.log_in()
        assert_refused(await change(world, here), "store_unavailable")
        world.store.is_down = False
        assert world.passwords["ada"] == NEW
        assert await is_alive(world, there)
        assert (await change(world, here)).status_code == 200

        assert not await is_alive(world, there)
        assert await is_alive(world, here)


async def test_a_log_in_that_checked_the_old_password_before_the_change_loses(leaks: Leaks) -> None:
    made = World(leaks=leaks)
    checked, changed = asyncio.Event(), asyncio.Event()

    async def slowly(username: str, password: str) -> Any:
        found = await made.authenticate(username, password)
        if password == OLD and made.passwords["grace"] == "slow":
            checked.set()
            await changed.wait()
        return found

    async with made.running(authenticate=slowly, change_password=made.change_password) as world:
        here = await world.log_in()
        world.passwords["grace"] = "slow"
        form = {"username": "ada", "password": OLD}
        late = asyncio.ensure_future(world.client.post("/auth/login", json=form))
        await checked.wait()
        assert (await change(world, here)).status_code == 200
        changed.set()

        assert_refused(await late, "invalid_credentials")
        [kept] = await world.manager.sessions("user-ada")
        assert kept.session_id == here["session_id"]


async def test_no_session_from_before_the_end_of_the_change_goes_on(
    leaks: Leaks,
) -> None:
    made = World(leaks=leaks)
    between: list[tuple[int, Pair]] = []

    async def with_log_ins(subject: str, current: str, new: str) -> bool:
        early = await made.manager.subject_epoch(subject)
        done = made.change_password(subject, current, new)
        # It read epoch and password before the change, and opens its session now.
        pair = await made.manager.issue(subject, epoch=early)
        between.append((200, pair.to_dict()))
        for password in (OLD, NEW):
            form = {"username": "ada", "password": password}
            answer = await made.client.post("/auth/login", json=form)
            between.append((answer.status_code, answer.json()))
        return done

    async with made.running(change_password=with_log_ins) as world:
        here = await world.log_in()
        assert (await change(world, here)).status_code == 200
        (_, early), (old, _), (new, pair) = between

        assert (old, new) == (401, 200)
        assert not await is_alive(world, early)
        assert not await is_alive(world, pair)  # it has to log in again, and can
        assert await is_alive(world, here)
        await world.log_in()


async def test_an_actor_or_an_old_log_in_changes_no_password(leaks: Leaks) -> None:
    made = World(leaks=leaks)
    async with made.running(change_password=made.change_password) as world:
        manager: AsyncTokenManager = world.manager
        here = await world.log_in()
        acting = await manager.issue("user-ada", session_claims={"act": {"sub": "user-grace"}})
        assert_refused(await change(world, acting.to_dict()), "insufficient_scope")
        world.clock.now += 301
        answer = await change(world, here)
        renewed = (await world.refresh(here["refresh_token"])).json()
        again = await change(world, renewed)

        for refused in (answer, again):
            assert refused.json()["code"] == "insufficient_user_authentication"
            assert 'max_age="300"' in refused.headers["www-authenticate"]
        assert world.passwords["ada"] == OLD
