"""An exception out of a signal handler, anywhere in a check that waits: the log is read on."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pytest

from gatepass.errors import StoreUnavailable
from gatepass.revocations.staleness import WhenStale
from tests.revocations.worlds import World, empty_backend
from tests.stores.interruptions import Interrupter
from tests.stores.twins import Runner

MOST = 5_000
SOON_S = 5
OPTIONS: Final[Any] = {"when_stale": WhenStale.DENY, "max_staleness": 0.1}
"""A check waits for a read, which takes a quarter of this at most."""

pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(params=["redis 8"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with Runner() as runner:
        url = empty_backend(str(request.param))
        world = World(url, "sync", runner, **OPTIONS)
        yield world
        world.close()


@pytest.mark.parametrize(
    ("world", "kind"), [("redis 8", "opcode"), ("postgres", "call")], indirect=["world"]
)
def test_a_check_that_waits_for_a_read_interrupted_at_any_step(world: World, kind: str) -> None:
    replica = world.replica
    world.until_fresh()

    for place in range(1, MOST):
        replica.revoked_many()  # it believes only what is read from now on
        interrupter = Interrupter(kind, place)
        with interrupter.at_work(), suppress(StoreUnavailable):
            replica.is_revoked("live", None)
        world.until(replica.fresh, SOON_S)
        if not interrupter.has_raised:
            break

    assert 20 < place < MOST - 1
    assert not replica._follower._waiting
    revoked = world.log_in()
    world.elsewhere.revoke_session(revoked, reason="log-out")
    world.until(lambda: replica.is_revoked(revoked, None))


def test_a_first_check_interrupted_at_any_step(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for place in range(1, MOST):
        world.replica.close()
        world.inner = world.replica = type(world.inner)(world.store, **OPTIONS)
        interrupter = Interrupter("call", place)
        with interrupter.at_work(), suppress(StoreUnavailable):
            world.replica.is_revoked("live", None)
        world.until(world.replica.fresh, SOON_S)
        if not interrupter.has_raised:
            break

    assert 50 < place < MOST - 1
    assert "RuntimeError" not in caplog.text  # the handler's own exception came through
    world.replica.close()
    ours = [each for each in threading.enumerate() if "gatepass-revocations" in each.name]
    world.until(lambda: not any(map(threading.Thread.is_alive, ours)))
    assert not [each for each in threading.enumerate() if "gatepass-revocations" in each.name]
