"""An outage claims nothing that was not done, and nothing that breaks off spends a token."""

import json
from typing import Any

import anyio
import pytest

from gatepass.asgi import messages
from tests.fastapi.answers import assert_refused, assert_unstored
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


@pytest.mark.parametrize("how", ["hangs up", "drips"])
async def test_a_client_that_hangs_up_or_drips_in_the_middle_of_its_body_spends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(messages, "BODY_S", 0.05)
    pair = await world.log_in()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/auth/refresh",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    body = json.dumps({"refresh_token": pair["refresh_token"]}).encode()
    arriving: list[dict[str, Any]] = [
        {"type": "http.request", "body": body, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if how == "drips" and len(arriving) == 1:
            await anyio.sleep_forever()
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await world.app(scope, receive, send)
    (session,) = await world.manager.sessions("user-ada")

    assert sent[0]["status"] == 400
    assert session.generation == 0


async def test_a_disabled_subject_is_refused_and_the_token_is_not_spent(world: World) -> None:
    pair = await world.log_in()
    world.disabled.add("ada")
    refused = await world.refresh(pair["refresh_token"])
    world.disabled.clear()

    assert_refused(refused, "refresh_revoked")
    assert_unstored(await world.refresh(pair["refresh_token"]))
