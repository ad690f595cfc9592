"""Elapsed times of rejected logins, with a user name that is an account and with one that is none.

The whole server answers, in this process, with its limits; argon2 costs little, so that it hides
nothing. Each run prints the times. Only `make long`, on an idle machine, judges them.
"""

import random
import time
from dataclasses import replace

import httpx
import pytest

from gatepass.http import Limits
from tests.budget import LONG
from tests.elapsed import APART, SAMPLES, share_longer, told
from tests.server.world import ADDRESS, World

NAMES = ("ada", "eve")
"""The account, and nobody."""
OPEN = Limits(login="100000/minute", account="100000/hour")
SHUT = Limits(login="100000/minute", account="1/hour")

pytestmark = [pytest.mark.anyio, pytest.mark.soak]


@pytest.mark.parametrize(("limits", "status"), [(OPEN, 401), (SHUT, 429)])
async def test_known_and_unknown_names_take_the_same_time(
    limits: Limits, status: int, made: World, capfd: pytest.CaptureFixture[str]
) -> None:
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    rng = random.Random(status)
    limited = replace(made, parts=replace(made.parts, limits=limits))
    async with limited.serve() as world:
        transport = httpx.ASGITransport(world.app, client=(ADDRESS, 49_152))
        async with httpx.AsyncClient(transport=transport, base_url="http://gate.example") as client:
            for number in range(SAMPLES + 10):
                for name in rng.sample(NAMES, 2):
                    body = {"username": name, "password": "not the password of ada"}
                    begun = time.perf_counter()
                    answer = await client.post("/auth/login", json=body)
                    took = time.perf_counter() - begun
                    if number >= 10:  # the first ones open connections, and use up the limit
                        assert answer.status_code == status
                        times[name].append(took)

    known, unknown = times.values()
    share = share_longer(known, unknown)
    with capfd.disabled():
        print(  # noqa: T201 - the report
            f"\n{SAMPLES} logins answered {status}, 10%, median and 90% in µs: "
            f"known {told(known)}, unknown {told(unknown)}; known took longer in {share:.1%}"
        )
    assert not LONG or abs(share - 0.5) < APART
