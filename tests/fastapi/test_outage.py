"""While the store is down nobody is let in, and nothing is claimed that was not done."""

import pytest

from tests.fastapi.answers import assert_refused
from tests.fastapi.world import World

pytestmark = pytest.mark.anyio


async def test_a_log_out_never_claims_success(world: World) -> None:
    pair = await world.log_in()
    body = {"refresh_token": pair["refresh_token"]}
    world.store.is_down = True
    response = await world.client.post("/auth/logout", json=body)
    world.store.is_down = False
    repeated = await world.client.post("/auth/logout", json=body)

    assert_refused(response, "store_unavailable")
    assert repeated.status_code == 200
    assert_refused(await world.get("/private", pair["access_token"]), "token_revoked")


async def test_a_refresh_token_is_not_spent_by_an_outage(world: World) -> None:
    pair = await world.log_in()
    world.store.is_down = True
    response = await world.refresh(pair["refresh_token"])
    world.store.is_down = False

    assert_refused(response, "store_unavailable")
    assert (await world.refresh(pair["refresh_token"])).status_code == 200


async def test_a_store_that_fails_in_a_route_of_the_application_answers_503(world: World) -> None:
    assert_refused(await world.client.get("/outage"), "store_unavailable")


async def test_keys_that_cannot_be_fetched_are_an_outage_with_its_own_time(world: World) -> None:
    response = await world.client.get("/keyless")

    assert_refused(response, "store_unavailable", retry_after="7")


async def test_an_outage_is_logged_with_its_kind_only(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    pair = await world.log_in()
    world.store.is_down = True
    await world.get("/private", pair["access_token"])
    messages = [record.getMessage() for record in caplog.records if "503" in record.getMessage()]

    assert any("OSError" in message for message in messages)
    assert not any("the disk is gone" in message for message in messages)
