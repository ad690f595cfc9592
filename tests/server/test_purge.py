"""When the server purges: not at its start, and not by a clock that was set."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest
import structlog

from gatepass.server.purge import purge_for_ever
from tests.server.test_outage import gone
from tests.server.world import World
from tests.stores.plans import DAY, MINUTE

pytestmark = pytest.mark.anyio


@dataclass
class Clocks:
    """Both clocks, and a sleep that moves them; ends the loop after some sleeps."""

    now: float = 1_800_000_000.0
    ahead: float = 0.0
    slept: list[float] = field(default_factory=list)
    sets: dict[int, float] = field(default_factory=dict)
    """How far ahead the wall clock is from this sleep on."""

    def wall(self) -> float:
        return self.now + self.ahead

    def steady(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.ahead = self.sets.get(len(self.slept), self.ahead)
        if len(self.slept) == 5:
            raise asyncio.CancelledError


@pytest.fixture
def said() -> Iterator[list[str]]:
    events: list[str] = []

    def collect(_: object, __: str, event: dict[str, str]) -> str:
        events.append(event["event"])
        raise structlog.DropEvent

    structlog.configure(processors=[collect])  # type: ignore[list-item]
    yield events
    structlog.reset_defaults()


async def run(world: World, clocks: Clocks) -> None:
    with pytest.raises(asyncio.CancelledError):
        await purge_for_ever(
            world.parts.manager,
            world.parts.events.table,
            wall=clocks.wall,
            steady=clocks.steady,
            sleep=clocks.sleep,
        )


async def test_the_server_purges_every_hour_and_not_in_its_first_minutes(
    made: World, said: list[str]
) -> None:
    clocks = Clocks()
    await run(made, clocks)

    assert clocks.slept == [300, 3600, 3600, 3600, 3600]
    assert said == ["purged", "purged events"] * 4


async def test_a_clock_that_is_ahead_for_a_moment_is_not_purged_by(
    made: World, said: list[str]
) -> None:
    clocks = Clocks(sets={2: 18 * 60.0, 3: 0.0})
    await run(made, clocks)

    done = ["purged", "purged events"]
    assert said == [*done, *["nothing purged: the clock was set"] * 2, *done]


async def test_a_clock_that_is_disciplined_gently_is_purged_by(
    made: World, said: list[str]
) -> None:
    clocks = Clocks(sets={number: number * 1.0 for number in range(5)})
    await run(made, clocks)

    assert said == ["purged", "purged events"] * 4


async def test_what_is_past_its_retention_is_gone_and_the_rest_is_not(world: World) -> None:
    pair = await world.pair()
    await world.log_out(pair)
    with closing(sqlite3.connect(world.database)) as connection:
        connection.execute("UPDATE gatepass_revocations SET at_ms = at_ms - ?", [DAY + MINUTE])
        connection.commit()
    await world.log_out(await world.pair())
    await run(world, Clocks())
    with closing(sqlite3.connect(world.database)) as connection:
        [(left,)] = connection.execute("SELECT count(*) FROM gatepass_revocations").fetchall()

    assert left == 1


async def test_an_outage_only_delays_the_purge(world: World, said: list[str]) -> None:
    await world.pair()
    with gone(world.database):
        await run(world, Clocks())
    await run(world, Clocks())

    assert said == [*["purge failed"] * 8, *["purged", "purged events"] * 4]


async def test_a_fault_of_ours_only_delays_the_purge(made: World, said: list[str]) -> None:
    async def fail() -> int:
        raise RuntimeError("unforeseen")

    made.parts.manager.purge = fail  # type: ignore[method-assign]
    await run(made, Clocks())

    assert said == ["purge failed", "purged events"] * 4
