"""Logging in beside the rows of `tests/web`: accounts, limits, and kinds of `authenticate`."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest

from gatepass.errors import ClaimsRejected, SubjectDisabled
from gatepass.fastapi import Identity
from tests.fastapi.answers import assert_refused, assert_unstored
from tests.fastapi.world import ADDRESS, CLAIMS, PASSWORDS, World
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


class Limit:
    """Two failures, then a wait of 41.2 seconds."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    async def begin(self, key: str) -> float | None:
        return 41.2 if self.failures.count(key) >= 2 else None

    async def end(self, key: str, *, failed: bool) -> None:
        if failed:
            self.failures.append(key)


async def test_failed_log_ins_of_an_address_are_limited(leaks: Leaks) -> None:
    limit = Limit()

    async with World(leaks=leaks).running(login_limit=limit) as world:
        first = await world.client.post("/auth/login", json=WRONG)
        good = await world.client.post("/auth/login", json=ADA)
        second = await world.client.post("/auth/login", json=WRONG)
        third = await world.client.post(
            "/auth/login", json=ADA, headers={"X-Forwarded-For": "203.0.113.9"}
        )

    assert_refused(first, "invalid_credentials")
    assert_unstored(good)
    assert_refused(second, "invalid_credentials")
    assert_refused(third, "rate_limited", retry_after="42")
    assert limit.failures == [ADDRESS, ADDRESS]


async def test_the_device_is_the_user_agent_cut_to_200_characters(world: World) -> None:
    await world.log_in(**{"User-Agent": "x" * 300})
    (session,) = await world.manager.sessions("user-ada")

    assert session.device == "x" * 200


async def test_a_disabled_subject_is_told_nothing_and_counts_as_a_failure(leaks: Leaks) -> None:
    limit = Limit()

    async def authenticate(_username: str, _password: str) -> Identity | None:
        raise SubjectDisabled

    async with World(leaks=leaks).running(authenticate=authenticate, login_limit=limit) as world:
        assert_refused(await world.client.post("/auth/login", json=ADA), "invalid_credentials")
    assert limit.failures == [ADDRESS]


@pytest.mark.parametrize("authenticate", [None, lambda username, _: Identity(username)])
async def test_user_names_that_no_subject_can_have(leaks: Leaks, authenticate: Any) -> None:
    """Whether their epoch is asked for, as in the README, or they are taken for a subject."""
    async with World(leaks=leaks).running(authenticate=authenticate) as world:
        for username in ("a\0b", "a" * 256, "x" * 1_000):
            response = await world.client.post("/auth/login", json=WRONG | {"username": username})

            assert_refused(response, "invalid_credentials")
