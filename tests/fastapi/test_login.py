"""Logging in beside the rows of `tests/web`: accounts, limits, and kinds of `authenticate`."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest

from gatepass.errors import ClaimsRejected, StoreUnavailable, SubjectDisabled
from gatepass.fastapi import Identity, Limits
from tests.fastapi.answers import assert_refused, assert_unstored
from tests.fastapi.world import CLAIMS, PASSWORDS, World
from tests.leaks import Leaks

pytestmark = pytest.mark.anyio
ADA = {"username": "ada", "password": PASSWORDS["ada"]}
WRONG = {"username": "ada", "password": "not the password"}


@pytest.mark.parametrize("form", [{"json": ADA}, {"data": ADA | {"grant_type": "password"}}])
async def test_the_right_password_opens_a_session(world: World, form: dict[str, Any]) -> None:
    response = await world.client.post("/auth/login", **form)
    pair = response.json()
    claims = await world.manager.verify(pair["access_token"])

    assert_unstored(response)
    assert list(pair) == [
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "refresh_expires_in",
        "session_id",
    ]
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 900)
    assert pair["refresh_expires_in"] == 7 * 86_400
    assert claims.subject == "user-ada"
    assert claims.session_id == pair["session_id"]
    assert {name: claims[name] for name in CLAIMS["ada"]} == CLAIMS["ada"]


def plain(username: str, password: str) -> Identity | None:
    return Identity(username) if PASSWORDS.get(username) == password else None


async def coroutine(username: str, password: str) -> Identity | None:
    return plain(username, password)


def promise(username: str, password: str) -> Awaitable[Identity | None]:
    return coroutine(username, password)


class Callable:
    async def __call__(self, username: str, password: str) -> Identity | None:
        return plain(username, password)


@pytest.mark.parametrize(
    "authenticate",
    [plain, coroutine, Callable(), partial(coroutine), promise],
    ids=["plain", "async", "object", "partial", "awaitable"],
)
async def test_authenticate_may_be_plain_or_async(leaks: Leaks, authenticate: Any) -> None:
    async with World(leaks=leaks).running(authenticate=authenticate) as world:
        right = await world.client.post("/auth/login", json=ADA)
        wrong = await world.client.post("/auth/login", json=WRONG)

        assert_unstored(right)
        assert_refused(wrong, "invalid_credentials")


@pytest.mark.parametrize("found", [True, "user-ada", {"subject": "user-ada"}, ("user-ada", {})])
async def test_anything_but_an_identity_from_authenticate_lets_nobody_in(
    leaks: Leaks, found: Any
) -> None:
    async with World(leaks=leaks).running(authenticate=lambda *_: found) as world:
        with pytest.raises(TypeError, match="authenticate returns an Identity or None"):
            await world.client.post("/auth/login", json=ADA)


async def test_claims_that_may_not_be_signed_are_the_applications_fault(leaks: Leaks) -> None:
    identity = Identity("user-ada", {"iss": "somebody-else"})

    async with World(leaks=leaks).running(authenticate=lambda *_: identity) as world:
        with pytest.raises(ClaimsRejected):
            await world.client.post("/auth/login", json=ADA)


async def test_logins_of_an_address_are_limited_whether_they_fail_or_not(leaks: Leaks) -> None:
    async with World(leaks=leaks).running(limits=Limits(login="3/minute")) as world:
        first = await world.client.post("/auth/login", json=WRONG)
        good = await world.client.post("/auth/login", json=ADA)
        second = await world.client.post("/auth/login", json=WRONG)
        third = await world.client.post(
            "/auth/login", json=ADA, headers={"X-Forwarded-For": "203.0.113.9"}
        )
        world.clock.now += int(third.headers["retry-after"])
        fourth = await world.client.post("/auth/login", json=ADA)

    assert_refused(first, "invalid_credentials")
    assert_unstored(good)
    assert_refused(second, "invalid_credentials")
    assert_refused(third, "rate_limited", retry_after=third.headers["retry-after"])
    assert_unstored(fourth)


async def test_the_log_names_the_setting_when_a_proxy_may_be_limited(
    leaks: Leaks, caplog: pytest.LogCaptureFixture
) -> None:
    async with World(leaks=leaks).running(limits=Limits(login="1/minute")) as world:
        for headers in ({}, {}, {"X-Forwarded-For": "203.0.113.9"}):
            await world.client.post("/auth/login", json=ADA, headers=headers)
    [line] = [record.getMessage() for record in caplog.records if record.name == "gatepass"]

    assert "GATEPASS_TRUSTED_PROXIES" in line
    assert "203.0.113.9" not in line


async def test_a_store_that_does_not_count_lets_nobody_try(leaks: Leaks) -> None:
    tried = []

    async with World(leaks=leaks).running(
        limits=Limits(), authenticate=lambda *args: tried.append(args)
    ) as world:
        world.store.is_down = True
        down = await world.client.post("/auth/login", json=ADA)

    assert_refused(down, "store_unavailable")
    assert tried == []


async def test_a_store_that_fails_after_the_login_fails_no_login(leaks: Leaks) -> None:
    async with World(leaks=leaks).running(limits=Limits()) as world:
        real, manager = world.store.issue, world.manager

        async def issue_and_fail(plan: Any) -> Any:
            issued = await real(plan)
            world.store.is_down = True
            return issued

        world.store.issue = issue_and_fail  # type: ignore[method-assign]
        answer = await world.client.post("/auth/login", json=ADA)
        world.store.is_down = False

        assert_unstored(answer)
        assert (await manager.verify(answer.json()["access_token"])).subject == "user-ada"


async def test_an_outage_of_the_accounts_uses_up_no_guess(leaks: Leaks) -> None:
    async def authenticate(_username: str, _password: str) -> Identity | None:
        raise StoreUnavailable

    async with World(leaks=leaks).running(
        authenticate=authenticate, limits=Limits(login=None, account="1/hour")
    ) as world:
        for _ in range(3):
            assert_refused(await world.client.post("/auth/login", json=ADA), "store_unavailable")


@pytest.mark.parametrize("epoch", [0, None])
async def test_a_device_is_marked_whether_or_not_the_application_knows_epochs(
    leaks: Leaks, epoch: int | None
) -> None:
    async with World(leaks=leaks).running(
        authenticate=lambda username, password: (
            Identity(username, {}, epoch) if password == PASSWORDS["ada"] else None
        ),
        limits=Limits(account="1/hour"),
    ) as world:
        mark = {"device_token": (await world.log_in())["device_token"]}
        for status in (401, 429):
            assert (await world.client.post("/auth/login", json=WRONG)).status_code == status
        assert (await world.client.post("/auth/login", json=ADA | mark)).status_code == 200
        await world.manager.revoke_subject("ada")
        assert (await world.client.post("/auth/login", json=ADA | mark)).status_code == 429


async def test_refreshes_of_a_session_are_limited_if_one_wants_it(leaks: Leaks) -> None:
    async with World(leaks=leaks).running(limits=Limits(refresh="2/hour")) as world:
        mine = (await world.log_in())["refresh_token"]
        other = (await world.log_in("grace"))["refresh_token"]
        answers = [await world.refresh(mine) for _ in range(3)]
        junk = await world.client.post("/auth/refresh", json={"refresh_token": "junk"})

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert (await world.refresh(other)).status_code == 200
        assert_refused(junk, "refresh_invalid")


async def test_the_device_is_the_user_agent_cut_to_200_characters(world: World) -> None:
    await world.log_in(**{"User-Agent": "x" * 300})
    (session,) = await world.manager.sessions("user-ada")

    assert session.device == "x" * 200


async def test_a_disabled_subject_is_told_nothing_and_counts_as_a_failure(leaks: Leaks) -> None:
    async def authenticate(_username: str, _password: str) -> Identity | None:
        raise SubjectDisabled

    async with World(leaks=leaks).running(
        authenticate=authenticate, limits=Limits(account="1/hour")
    ) as world:
        assert_refused(await world.client.post("/auth/login", json=ADA), "invalid_credentials")
        assert (await world.client.post("/auth/login", json=ADA)).status_code == 429


@pytest.mark.parametrize("authenticate", [None, lambda username, _: Identity(username)])
async def test_user_names_that_no_subject_can_have(leaks: Leaks, authenticate: Any) -> None:
    """Whether their epoch is asked for, as in the README, or they are taken for a subject."""
    async with World(leaks=leaks).running(authenticate=authenticate) as world:
        for username in ("a\0b", "a" * 256, "x" * 1_000):
            response = await world.client.post("/auth/login", json=WRONG | {"username": username})

            assert_refused(response, "invalid_credentials")
