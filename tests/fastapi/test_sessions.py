"""The caller's sessions, and nobody else's."""

import pytest

from gatepass.sessions import new_id
from tests.fastapi.answers import assert_refused, assert_unstored
from tests.fastapi.world import START, World, bearer

pytestmark = pytest.mark.anyio
DAY = 86_400


async def test_sessions_are_listed_with_the_current_one_marked(world: World) -> None:
    first = await world.log_in(**{"User-Agent": "curl/8.5.0"})
    await world.log_in("grace")
    world.clock.now += 60.75
    second = await world.log_in(**{"User-Agent": ""})
    world.clock.now += 60
    await world.refresh(first["refresh_token"])
    response = await world.get("/auth/sessions", first["access_token"])

    assert_unstored(response)
    assert response.json() == {
        "sessions": [
            {
                "session_id": second["session_id"],
                "device": None,
                "client_id": "app",
                "created_at": START + 60,
                "last_used_at": START + 60,
                "expires_at": START + 60 + 7 * DAY,
                "current": False,
            },
            {
                "session_id": first["session_id"],
                "device": "curl/8.5.0",
                "client_id": "app",
                "created_at": START,
                "last_used_at": START + 120,
                "expires_at": START + 120 + 7 * DAY,
                "current": True,
            },
        ]
    }


async def test_ending_the_session_of_somebody_else_is_refused_as_unknown(world: World) -> None:
    mine, theirs = await world.log_in(), await world.log_in("grace")
    headers = bearer(mine["access_token"])
    unknown = new_id("user-ada", bytes(16))

    for session_id in (theirs["session_id"], unknown, "x", "a%00b", "%F0%9F%97%9D", "' OR 1=1"):
        response = await world.client.delete(f"/auth/sessions/{session_id}", headers=headers)
        assert_refused(response, "session_unknown")
    assert (await world.get("/private", theirs["access_token"])).status_code == 200
