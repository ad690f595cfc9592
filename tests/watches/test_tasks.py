"""Connections of event loops: whose cancellation it is, who waits, and which loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import TokenRevoked
from gatepass.tokens import AccessClaims
from gatepass.tokens.claims import key_of
from tests.budget import until
from tests.stores.twins import Runner
from tests.watches.world import World


@pytest.fixture
def world(runner: Runner, tmp_path: Path) -> Iterator[World]:
    world = World("memory", "async", runner, tmp_path)
    yield world
    world.close()


@pytest.fixture
def claims(world: World) -> AccessClaims:
    claims: AccessClaims = world.manager.verify(world.log_in().access_token)
    return claims


def end(world: World, claims: AccessClaims) -> None:
    """Revoke, as the tick would find it."""
    world.watches.end_all([("s", str(claims.session_id))])


async def stay(world: World, claims: AccessClaims, *, ends: bool = True) -> None:
    """Serve a connection that ends meanwhile."""
    async with world.inner.watch(claims):
        if ends:
            end(world, claims)
        await asyncio.sleep(3600)


def test_the_task_goes_on_after_the_error(world: World, claims: AccessClaims) -> None:
    async def serve() -> None:
        task = asyncio.current_task()
        assert task is not None
        with pytest.raises(TokenRevoked) as caught:
            await stay(world, claims)
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert task.cancelling() == 0
        async with asyncio.timeout(3600):
            await asyncio.sleep(0)

    world.runner.run(serve())


def test_a_block_that_loses_a_cancellation_is_cancelled_again(
    world: World, claims: AccessClaims, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepass.watches.async_watch._AGAIN_S", 0.01)

    async def lose() -> None:
        async with world.inner.watch(claims):
            end(world, claims)
            for _ in range(3):  # as `wait_for` of Python 3.11 does with a message at hand
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(3600)
            await asyncio.sleep(3600)

    async def serve() -> None:
        task = asyncio.current_task()
        assert task is not None
        with pytest.raises(TokenRevoked):
            await lose()
        assert task.cancelling() == 0

    world.runner.run(serve())


def test_an_expiry_that_no_float_holds_stops_no_tick(world: World, claims: AccessClaims) -> None:
    endless = AccessClaims({**claims, "exp": 10**320}, key_of(claims))

    async def serve() -> None:
        async with world.inner.watch(endless):
            await world.inner.revoke_session(str(claims.session_id))
            await asyncio.sleep(3600)

    with pytest.raises(TokenRevoked):
        world.runner.run(serve())


@pytest.mark.parametrize("is_over", [False, True])
def test_a_cancellation_by_somebody_else_stays_one(
    world: World, claims: AccessClaims, *, is_over: bool
) -> None:
    async def serve() -> None:
        async with world.inner.watch(claims):
            if is_over:
                end(world, claims)
            is_inside.set()
            await asyncio.sleep(3600)

    async def cancel() -> bool:
        task = asyncio.create_task(serve())
        await is_inside.wait()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    is_inside = asyncio.Event()
    assert world.runner.run(cancel())


def test_a_timeout_around_or_inside_the_block_stays_one(world: World, claims: AccessClaims) -> None:
    async def serve() -> None:
        with pytest.raises(TimeoutError):
            async with world.inner.watch(claims), asyncio.timeout(0):
                await asyncio.sleep(3600)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await stay(world, claims, ends=False)
        with pytest.raises(TokenRevoked):
            async with asyncio.timeout(3600):
                await stay(world, claims)

    world.runner.run(serve())


def test_an_error_of_the_body_is_its_own_and_a_swallowed_end_is_raised(
    world: World, claims: AccessClaims
) -> None:
    async def serve() -> None:
        async with world.inner.watch(claims):
            end(world, claims)
            try:
                await asyncio.sleep(3600)
            finally:
                raise KeyError

    async def serve_on() -> None:
        async with world.inner.watch(other):
            end(world, other)
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    with pytest.raises(KeyError):
        world.runner.run(serve())
    other = world.manager.verify(world.log_in().access_token)
    with pytest.raises(TokenRevoked):
        world.runner.run(serve_on())


def test_any_number_of_tasks_wait_and_the_body_goes_on(world: World, claims: AccessClaims) -> None:
    async def serve() -> None:
        watch = world.inner.watch(claims, cancel=False)
        with pytest.raises(RuntimeError, match="block"):
            await watch
        async with watch:
            waiting = [asyncio.create_task(watch.ended()) for _ in range(3)]
            await asyncio.sleep(0)
            assert watch.reason is None
            end(world, claims)
            assert await watch == "token_revoked"
            assert await asyncio.gather(*waiting) == ["token_revoked"] * 3
        assert await watch == "token_revoked"

    world.runner.run(serve())


def test_leaving_the_block_ends_the_waiting(world: World, claims: AccessClaims) -> None:
    async def serve() -> None:
        async with world.inner.watch(claims) as watch:
            waiting = asyncio.create_task(watch.ended())
            await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="left"):
            await waiting

    world.runner.run(serve())


def test_it_is_entered_once_and_by_a_task(world: World, claims: AccessClaims) -> None:
    async def serve() -> None:
        async with world.inner.watch(claims) as watch:
            with pytest.raises(RuntimeError, match="once"):
                await watch.__aenter__()
        failures: list[Exception] = []

        def enter() -> None:
            try:
                world.inner.watch(claims).__aenter__().send(None)
            except RuntimeError as error:
                failures.append(error)

        asyncio.get_running_loop().call_soon(enter)
        await asyncio.sleep(0)
        assert "task" in str(failures)

    world.runner.run(serve())


@pytest.mark.parametrize("backend", ["sqlite", "postgres", "redis 8"])
def test_a_connection_on_another_loop_ends_too_also_when_the_first_loop_is_gone(
    runner: Runner, tmp_path: Path, backend: str
) -> None:
    """The log is read on one loop; when that one closes, the tick of another has it read on."""
    world = World(backend, "async", runner, tmp_path)
    pairs = [world.log_in(name) for name in ("ada", "bob")]
    claims = [world.manager.verify(pair.access_token) for pair in pairs]
    first = Runner()
    held = first.run(entered(world, claims[0], cancel=False))
    lines: list[str] = []
    threads = [
        threading.Thread(target=serve_elsewhere, args=[world, each, lines]) for each in claims
    ]
    for thread in threads:
        thread.start()
    until(lambda: [each.is_open for each in world.watches.held()] == [True] * 3)
    world.elsewhere.revoke_session(pairs[0].session_id)
    until(lambda: "ada token_revoked" in lines)
    first.close()
    del held
    world.elsewhere.revoke_session(pairs[1].session_id)
    until(lambda: "bob token_revoked" in lines)
    for thread in threads:
        thread.join()
    world.close()


async def entered(world: World, claims: AccessClaims, **options: Any) -> Any:
    watch = world.inner.watch(claims, **options)
    await watch.__aenter__()
    return watch


def serve_elsewhere(world: World, claims: AccessClaims, lines: list[str]) -> None:
    async def serve() -> None:
        async with world.inner.watch(claims, cancel=False) as watch:
            lines.append(f"{claims.subject} {await watch}")

    asyncio.run(serve())


def test_watches_of_a_loop_that_was_closed_are_forgotten(
    world: World, claims: AccessClaims
) -> None:
    loop = asyncio.new_event_loop()
    task = loop.create_task(entered(world, claims))
    watch = loop.run_until_complete(task)
    [ticker] = world.watches._tickers.values()
    ticker._log_destroy_pending = False
    loop.close()
    ticker.get_coro().close()
    world.watches.over(watch, TokenRevoked())
    world.watches._tickers[loop] = ticker
    assert watch.reason == "token_revoked"

    line = world.hold(world.log_in().access_token)
    assert loop not in world.watches._tickers
    assert world.watches.held() == [line.watch]
