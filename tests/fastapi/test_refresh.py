"""Refreshing beside the rows of `tests/web`: what spends no token."""

import json
from typing import Any

import anyio
import pytest

from gatepass.asgi import messages
from tests.fastapi.answers import assert_refused, assert_unstored
from tests.fastapi.world import World

pytestmark = pytest.mark.anyio
DAY = 86_400


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
