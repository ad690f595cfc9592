"""What a tick of watched connections looks at, what delays it, and whose context it is in."""

import asyncio
import threading
import time
from contextvars import ContextVar
from typing import Any

import pytest

from gatepass import AsyncTokenVerifier, TokenVerifier
from gatepass.errors import KeysUnavailable
from gatepass.jose import KeySet
from gatepass.jose.keyset import KeysWanted
from tests.stores.plans import Clock
from tests.watches.conftest import Make
from tests.watches.world import ACCESS, NEXT, Keys, ticks


def test_keys_that_have_to_be_fetched_are_fetched(make: Make) -> None:
    world = make()
    line = world.hold(world.log_in().access_token)
    answers = [KeySet(ACCESS)]

    def fetch() -> KeySet:
        if not answers:
            raise KeysUnavailable
        return answers.pop()

    async def fetch_async() -> KeySet:
        return fetch()

    wanted: Any = fetch_async if world.is_async else fetch
    world.keys.failure = KeysWanted(wanted, retry_after=1)
    world.until(lambda: not answers)
    assert line.watch.reason is None

    world.until_told(line, "keys_unavailable")


def test_a_fetch_of_keys_that_hangs_delays_no_end(make: Make) -> None:
    clock = Clock(time.time())
    world = make(now=clock)
    lines = [world.hold(world.log_in().access_token)]
    keys, manager = Keys(), world.inner
    verifier: Any = AsyncTokenVerifier if world.is_async else TokenVerifier
    world.inner = verifier(keys, issuer="id", audience="api", revocations=world.replica, now=clock)
    lines += [world.hold(line.watch.claims) for line in lines]
    world.inner = manager
    begun: list[None] = []
    end: Any = asyncio.Event() if world.is_async else threading.Event()

    def fetch() -> Any:
        begun.append(None)
        return wait() if world.is_async else (end.wait(), KeySet(NEXT))[1]

    async def wait() -> KeySet:
        await end.wait()
        return KeySet(NEXT)

    keys.failure = KeysWanted(fetch, retry_after=1)
    world.until(lambda: begun)
    rounds = ticks(world)
    world.until(lambda: len(rounds) > 2)
    assert (len(begun), [line.told for line in lines]) == (1, [[], []])
    clock.forward(900_000)

    for line in lines:
        world.until_told(line, "token_expired")
    end.set()


def test_a_tick_runs_in_no_context_of_a_caller(make: Make) -> None:
    caller = ContextVar("caller", default="nobody")
    token = caller.set("a request")
    world = make()
    line = world.hold(world.log_in().access_token)
    caller.reset(token)
    rounds = ticks(world, caller.get)
    world.until(lambda: rounds)

    assert set(rounds) == {"nobody"}
    assert line.watch.reason is None


def test_a_look_that_fails_is_logged_and_the_next_one_works(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    world = make()
    line = world.hold(world.log_in().access_token)
    look = world.watches._look
    world.watches._look = None
    world.until(lambda: "look at watched connections" in caplog.text)
    world.watches._look = look
    world.elsewhere.revoke_all()

    world.until_told(line, "token_revoked")
