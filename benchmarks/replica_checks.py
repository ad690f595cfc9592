"""What a revocation check adds to a verify: asking the store, and by replica, on each database."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from itertools import cycle, islice
from statistics import median
from time import perf_counter_ns
from typing import Any, Final

from benchmarks.logs import open_async_store, open_store
from benchmarks.scene import AUDIENCE, ISSUER, OWN_CLAIMS
from benchmarks.table import Target, microseconds
from benchmarks.timing import Timer, compare
from gatepass import AsyncTokenVerifier, TokenManager, TokenPolicy, TokenVerifier
from gatepass.jose import SharedKey
from gatepass.revocations import replica_of
from gatepass.stores.memory import MemoryStore

_SESSIONS: Final = 500
"""Tokens that are verified by turns: of one alone all that a check reads would be in the cache."""
_STALENESS_S: Final = 60.0
"""An event loop that is measured now and then reads the log only then."""
_AT_MOST_US: Final = 1.0
_NO_COPY: Final = "SQLite"
"""Its replica asks the store; the table shows that, and no target holds for it."""
_OWN = {name: value for name, value in OWN_CLAIMS.items() if name not in {"client_id", "auth_time"}}

Row = list[str]


def measure_memory_store(*, rounds: int) -> Row:
    """The row of a store in memory, which needs no replica."""
    store = MemoryStore()
    with _tokens(store) as (key, tokens):
        bare, direct = (_verify(key, tokens, check) for check in (None, store))
        added = compare(direct, bare, rounds=rounds)[1]
        return ["memory", _typical(bare), _plus(added), "-", "-", "-"]


def measure_checks(
    name: str, url: str, entries: int, *, rounds: int, runner: asyncio.Runner
) -> tuple[Row, list[Target]]:
    """The row of a database whose log has so many entries, and the targets of its replicas."""
    with closing(open_store(url)) as store, _tokens(store) as (key, tokens):
        twin = open_async_store(url)
        options: Any = {"max_staleness": _STALENESS_S}
        replica, twin_replica = replica_of(store, **options), replica_of(twin, **options)
        held = 0 if name == _NO_COPY else entries
        _await_complete(replica, twin_replica, held, runner)
        bare = _verify(key, tokens, None)
        bare_awaited = _verify_async(key, tokens, None, runner)
        added = {
            kind: compare(timer, base, rounds=rounds)[1]
            for kind, timer, base in (
                ("direct", _verify(key, tokens, store), bare),
                ("replica", _verify(key, tokens, replica), bare),
                ("direct, awaited", _verify_async(key, tokens, twin, runner), bare_awaited),
                (
                    "replica, awaited",
                    _verify_async(key, tokens, twin_replica, runner),
                    bare_awaited,
                ),
            )
        }
        assert replica.fresh()
        assert runner.run(twin_replica.fresh())
        replica.close()
        runner.run(twin_replica.close())
        runner.run(twin.close())
        row = [name, _typical(bare), *map(_plus, added.values())]
    targets = [
        Target(
            f"check by {kind}, {entries:,} entries, {name}",
            f"{_plus(added[kind])} us",
            f"<= {_AT_MOST_US:g} us",
            added[kind] <= _AT_MOST_US,
        )
        for kind in ("replica", "replica, awaited")
        if name != _NO_COPY
    ]
    return row, targets


@contextmanager
def _tokens(store: Any) -> Iterator[tuple[SharedKey, list[str]]]:
    """The access tokens of sessions that live in this store, and their key."""
    key = SharedKey.generate()
    policy = TokenPolicy(issuer=ISSUER, audience=AUDIENCE, access_lifetime=86_400)
    manager = TokenManager(policy, access_keys=key, refresh_keys=SharedKey.generate(), store=store)
    yield key, [manager.issue(secrets.token_hex(8), _OWN).access_token for _ in range(_SESSIONS)]


def _await_complete(replica: Any, twin: Any, entries: int, runner: asyncio.Runner) -> None:
    """Wait until both copies hold the whole log."""

    async def both_are_fresh() -> bool:
        await asyncio.sleep(0.005)
        return bool(replica.fresh()) and bool(await twin.fresh())

    while not runner.run(both_are_fresh()):
        time.sleep(0.005)
    for each in (replica, twin):
        assert each.status().entries >= entries, each.status().entries


def _verify(key: SharedKey, tokens: list[str], check: Any) -> Timer:
    verify = TokenVerifier(key, issuer=ISSUER, audience=AUDIENCE, revocations=check).verify
    feed = cycle(tokens)

    def run(loops: int) -> float:
        some = islice(feed, loops)
        started = perf_counter_ns()
        for token in some:
            verify(token)
        return (perf_counter_ns() - started) / loops

    return run


def _verify_async(key: SharedKey, tokens: list[str], check: Any, runner: asyncio.Runner) -> Timer:
    """A timer whose loop runs inside the event loop."""
    verifier = AsyncTokenVerifier(key, issuer=ISSUER, audience=AUDIENCE, revocations=check)
    verify: Callable[[str], Awaitable[object]] = verifier.verify
    feed = cycle(tokens)

    async def loop(loops: int) -> float:
        some = islice(feed, loops)
        started = perf_counter_ns()
        for token in some:
            await verify(token)
        return (perf_counter_ns() - started) / loops

    return lambda loops: runner.run(loop(loops))


def _typical(timer: Timer) -> str:
    return microseconds(median(timer(_SESSIONS) for _ in range(9)) / 1000)


def _plus(added: float) -> str:
    return f"{added:+.2f}"
