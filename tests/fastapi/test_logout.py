"""Logging out: any proof of the session will do, and it ends or the answer says that it did not."""

import pytest

from gatepass.jose import SharedKey, sign
from tests.fastapi.answers import assert_refused, assert_unstored
from tests.fastapi.world import ACCESS_SECRET, World, bearer

pytestmark = pytest.mark.anyio
DONE = b'{"message":"Logged out successfully"}'
DAY = 86_400


async def assert_ended(world: World, pair: dict[str, str]) -> None:
    assert_refused(await world.refresh(pair["refresh_token"]), "refresh_revoked")
    assert await world.manager.sessions("user-ada") == []


async def test_an_access_token_ends_its_session(world: World) -> None:
    pair = await world.log_in()
    response = await world.client.post("/auth/logout", headers=bearer(pair["access_token"]))

    assert_unstored(response)
    assert response.content == DONE
    assert_refused(await world.get("/private", pair["access_token"]), "token_revoked")
    await assert_ended(world, pair)


async def test_a_refresh_token_ends_its_session(world: World) -> None:
    pair = await world.log_in()
    body = {"refresh_token": pair["refresh_token"]}
    response = await world.client.post("/auth/logout", json=body)

    assert response.content == DONE
    assert_refused(await world.get("/private", pair["access_token"]), "token_revoked")
    await assert_ended(world, pair)


async def test_both_tokens_of_one_session_end_it(world: World) -> None:
    pair = await world.log_in()
    body = {"refresh_token": pair["refresh_token"]}
    headers = bearer(pair["access_token"])
    response = await world.client.post("/auth/logout", json=body, headers=headers)

    assert response.content == DONE
    await assert_ended(world, pair)


async def test_logging_out_again_is_fine(world: World) -> None:
    pair = await world.log_in()
    body = {"refresh_token": pair["refresh_token"]}
    headers = bearer(pair["access_token"])

    for _ in range(2):
        assert (await world.client.post("/auth/logout", headers=headers)).content == DONE
        assert (await world.client.post("/auth/logout", json=body)).content == DONE


async def test_an_expired_access_token_still_logs_out(world: World) -> None:
    pair = await world.log_in()
    world.clock.now += DAY
    response = await world.client.post("/auth/logout", headers=bearer(pair["access_token"]))

    assert response.content == DONE
    await assert_ended(world, pair)


async def test_a_refresh_token_of_an_old_generation_still_logs_out(world: World) -> None:
    pair = await world.log_in()
    successor = (await world.refresh(pair["refresh_token"])).json()
    world.clock.now += DAY
    body = {"refresh_token": pair["refresh_token"]}
    response = await world.client.post("/auth/logout", json=body)

    assert response.content == DONE
    await assert_ended(world, successor)


async def test_two_tokens_of_different_sessions_end_neither(world: World) -> None:
    first, second = await world.log_in(), await world.log_in()
    body = {"refresh_token": second["refresh_token"]}
    headers = bearer(first["access_token"])
    response = await world.client.post("/auth/logout", json=body, headers=headers)

    assert_refused(response, "token_invalid")
    assert len(await world.manager.sessions("user-ada")) == 2


async def test_nobody_logs_out_without_a_token(world: World) -> None:
    for body in (None, {}, {"refresh_token": ""}, {"refresh_token": None}):
        response = await world.client.post("/auth/logout", json=body)
        assert_refused(response, "token_missing")


async def test_a_forged_access_token_ends_nothing(world: World) -> None:
    pair = await world.log_in()
    claims = dict(await world.manager.verify(pair["access_token"]))
    forged = sign(claims, SharedKey.from_secret(ACCESS_SECRET[::-1]), typ="at+jwt")
    response = await world.client.post("/auth/logout", headers=bearer(forged))

    assert_refused(response, "token_invalid")
    assert len(await world.manager.sessions("user-ada")) == 1


async def test_a_forged_refresh_token_ends_nothing(world: World) -> None:
    pair = await world.log_in()
    header, payload, signature = pair["refresh_token"].split(".")
    forged = f"{header}.{payload}.{signature[::-1]}"
    response = await world.client.post("/auth/logout", json={"refresh_token": forged})

    assert_refused(response, "refresh_invalid")
    assert len(await world.manager.sessions("user-ada")) == 1


async def test_a_malformed_log_out_is_an_invalid_request(world: World) -> None:
    pair = await world.log_in()
    headers = bearer(pair["access_token"]) | {"Content-Type": "application/json"}
    response = await world.client.post("/auth/logout", content=b"{", headers=headers)

    assert_refused(response, "invalid_request")
    assert len(await world.manager.sessions("user-ada")) == 1


async def test_logging_out_everywhere_ends_every_session_of_the_caller_only(world: World) -> None:
    pairs = [await world.log_in() for _ in range(3)]
    other = await world.log_in("grace")
    headers = bearer(pairs[0]["access_token"])
    response = await world.client.post("/auth/logout-all", headers=headers)

    assert_unstored(response)
    assert response.content == b'{"message":"Logged out everywhere","revoked":3}'
    for pair in pairs:
        assert_refused(await world.get("/private", pair["access_token"]), "token_revoked")
        await assert_ended(world, pair)
    assert (await world.get("/private", other["access_token"])).status_code == 200


async def test_logging_out_everywhere_needs_a_token_that_holds(world: World) -> None:
    pair = await world.log_in()
    world.clock.now += DAY
    headers = bearer(pair["access_token"])

    assert_refused(await world.client.post("/auth/logout-all"), "token_missing")
    assert_refused(await world.client.post("/auth/logout-all", headers=headers), "token_expired")
