"""A token that was verified before: alone, and with a replica of revocations beside it."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle, islice
from time import perf_counter_ns
from typing import Any, Final

import pytest

from benchmarks.logs import LOGS, open_async_store, open_store
from benchmarks.scene import AUDIENCE, ISSUER, REQUIRED, TYP, Scene
from benchmarks.timing import Timer
from gatepass import AsyncTokenVerifier, TokenVerifier
from gatepass.jose import SigningKey, sign, verify
from gatepass.revocations import replica_of

ALONE: Final = "seen"
BY_TURNS: Final = "seen, by turns"
HELD: Final = 100_000
SEEN: Final = {
    ALONE: "seen before",
    "seen, awaited": "seen before, awaited",
    BY_TURNS: "seen before, 300 tokens by turns",
    "Redis": "and a replica on Redis",
    "Redis, awaited": "and a replica on Redis, awaited",
    "PostgreSQL": "and a replica on PostgreSQL",
    "PostgreSQL, awaited": "and a replica on PostgreSQL, awaited",
}
"""Each way to ask, and how tables name it; the ways with a replica are named by its database."""

_TOKENS: Final = 300
"""Tokens that are asked for by turns; of one alone, everything is in the processor's cache."""
_TWICE: Final = 2
"""A verifier keeps a token that it verified twice."""
_STALENESS_S: Final = 60.0
"""An event loop that is measured now and then reads the log only then."""

Checks = dict[str, Any]
MakeTimers = Callable[[Scene], dict[str, Timer]]


@contextmanager
def seen_timers(words: dict[str, str], *, part: int = 1) -> Iterator[MakeTimers]:
    """Makes the timers of every way for a scene; `words` says which database is missing.

    `part` divides the size of the revocation logs, for a quick run.
    """
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        checks: Checks = {ALONE: None, f"{ALONE}, awaited": None}
        for name in ("Redis", "PostgreSQL"):
            try:
                url, fill = stack.enter_context(LOGS[name]())
            except (pytest.skip.Exception, pytest.fail.Exception) as reason:
                words[f"a replica on {name}"] = str(reason)
                continue
            fill(HELD // part)
            store, twin = stack.enter_context(closing(open_store(url))), open_async_store(url)
            stack.callback(_close, runner, twin)
            replica, twin_replica = (
                replica_of(each, max_staleness=_STALENESS_S) for each in (store, twin)
            )
            stack.callback(replica.close)
            stack.callback(_close, runner, twin_replica)
            checks |= {name: replica, f"{name}, awaited": twin_replica}

        def make(scene: Scene) -> dict[str, Timer]:
            _await_fresh(checks, HELD // part, runner)
            one = [scene.token.encode()]
            timers = {
                name: _awaited(scene, one, check, runner)
                if name.endswith("awaited")
                else timer_by_turns(scene, one, check)
                for name, check in checks.items()
            }
            return timers | {BY_TURNS: timer_by_turns(scene, tokens_like(scene), None)}

        yield make
        _await_fresh(checks, HELD // part, runner)


def tokens_like(scene: Scene) -> list[bytes]:
    """So many tokens of different sessions by the scene's key."""
    claims = json.loads(verify(scene.token, scene.key).payload)
    return [
        sign(
            claims | {"sid": secrets.token_hex(17), "jti": secrets.token_hex(17)},
            scene.key,
            typ=TYP,
        ).encode()
        for _ in range(_TOKENS)
    ]


def timer_by_turns(scene: Scene, texts: list[bytes], check: Any) -> Timer:
    """Verifies the tokens by turns; the text is new each time, as every request brings its own."""
    verify = TokenVerifier(_key(scene), **_rules(check)).verify
    for octets in texts:
        for _ in range(_TWICE):
            verify(octets.decode("ascii"))
    feed = cycle(texts)

    def run(loops: int) -> float:
        some = islice(feed, loops)
        started = perf_counter_ns()
        for octets in some:
            verify(octets.decode("ascii"))
        return (perf_counter_ns() - started) / loops

    return run


def _awaited(scene: Scene, texts: list[bytes], check: Any, runner: asyncio.Runner) -> Timer:
    """`timer_by_turns` whose loop runs inside the event loop."""
    verify: Callable[[str], Awaitable[object]] = AsyncTokenVerifier(
        _key(scene), **_rules(check)
    ).verify
    feed = cycle(octets for octets in texts for _ in range(_TWICE))

    async def loop(loops: int) -> float:
        some = islice(feed, loops)
        started = perf_counter_ns()
        for octets in some:
            await verify(octets.decode("ascii"))
        return (perf_counter_ns() - started) / loops

    runner.run(loop(_TWICE * len(texts)))
    return lambda loops: runner.run(loop(loops))


def _close(runner: asyncio.Runner, awaited: Any) -> None:
    runner.run(awaited.close())


def _key(scene: Scene) -> Any:
    return scene.key.public() if isinstance(scene.key, SigningKey) else scene.key


def _rules(check: Any) -> Any:
    return {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "required_claims": REQUIRED,
        "revocations": check,
    }


def _await_fresh(checks: Checks, entries: int, runner: asyncio.Runner) -> None:
    """Wait until every replica holds its whole log, and answers from memory."""
    for name, replica in checks.items():
        if replica is None:
            continue

        async def fresh(replica: Any = replica) -> bool:
            await asyncio.sleep(0.005)
            return bool(await replica.fresh())

        while not (runner.run(fresh()) if name.endswith("awaited") else replica.fresh()):
            time.sleep(0.005)
        held = replica.status().entries
        assert held >= entries, (name, held)
