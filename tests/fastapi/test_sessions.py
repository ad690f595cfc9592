"""The caller's sessions, and nobody else's."""

import pytest

from tests.fastapi.answers import assert_unstored
from tests.fastapi.world import START, World

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
