"""Rotations per second of each store, beside the bare script or statement on the same client."""

import asyncio
import secrets
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count, repeat
from pathlib import Path
from time import perf_counter_ns, time
from typing import Any, Final

import psycopg
import pytest
import redis
from msgspec.json import decode, encode

from benchmarks.table import Target, show_table
from benchmarks.timing import Timer, compare, timer_of
from gatepass.sessions import IssuePlan, RotationKind, RotationPlan, Store, new_id
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.redis.scripts import script
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.sqlite.statements import SQL
from tests.servers.postgres import empty_database
from tests.servers.redis_sets import VERSIONS, running

_AT_LEAST: Final = 0.7
_DAY_MS: Final = 86_400_000
_SEC_HASH: Final = bytes(range(32))  # all zeros are an API key

Bare = Callable[[str], Callable[[], object]]
"""Given a session's id, what rotates it once, without any of our code around the call."""


def measure_stores(*, rounds: int) -> list[Target]:
    """Rotate one session again and again, by the store and without it, and print both."""
    rows, targets = [], []
    with ExitStack() as stack, asyncio.Runner() as runner:
        for name, setting in _SETTINGS.items():
            try:
                store, twin, bare = stack.enter_context(setting())
            except (pytest.skip.Exception, pytest.fail.Exception) as reason:
                rows.append([name, "-", "-", "-", str(reason)])
                continue
            base = timer_of(bare(_new_session(store)))
            ours = timer_of(_rotations(store, _new_session(store)))
            ratio, _ = compare(ours, base, rounds=rounds, slice_ms=4)
            awaited = _async_timer(twin, _new_session(store), runner)
            ratio_async, _ = compare(awaited, base, rounds=rounds, slice_ms=4)
            rate = 1e9 / ours(200)
            rows.append([name, f"{rate:.0f}", f"{1 / ratio:.2f}", f"{1 / ratio_async:.2f}", ""])
            what = f"rotations beside the bare statement, {name}"
            is_met = 1 / ratio >= _AT_LEAST
            targets.append(Target(what, f"{1 / ratio:.2f}x", f">= {_AT_LEAST:g}x", is_met))
            runner.run(twin.close())
    head = ["", "per second", "of the bare rate", "awaited, one at a time", ""]
    show_table(f"Rotations, one caller ({_versions()})", head, rows)
    return targets


def _versions() -> str:
    return ", ".join(VERSIONS.values()) or "no servers"


def _new_session(store: Store) -> str:
    subject = secrets.token_hex(8)
    plan = IssuePlan(
        session_id=new_id(subject, secrets.token_bytes(16)),
        subject=subject,
        client_id="bench",
        device=None,
        auth_time=1,
        claims_json=b'{"role":"admin"}',
        sec_hash=_SEC_HASH,
        refresh_lifetime_ms=7 * _DAY_MS,
        session_lifetime_ms=30 * _DAY_MS,
        access_lifetime_ms=900_000,
        epoch=None,
        max_sessions=50,
    )
    assert store.issue(plan) is not None
    return plan.session_id


def _plan(session_id: str, generation: int) -> RotationPlan:
    return RotationPlan(
        session_id=session_id,
        generation=generation,
        sec_hash=_SEC_HASH,
        leeway_ms=10_000,
        refresh_lifetime_ms=7 * _DAY_MS,
        access_lifetime_ms=900_000,
    )


def _rotations(store: Store, session_id: str) -> Callable[[], object]:
    generations = count()

    def rotate() -> None:
        fact = store.rotate(_plan(session_id, next(generations)))
        assert fact.kind is RotationKind.ROTATED

    return rotate


def _async_timer(store: Any, session_id: str, runner: asyncio.Runner) -> Timer:
    generations = count()
    rotate: Callable[[RotationPlan], Awaitable[Any]] = store.rotate

    async def loop(loops: int) -> float:
        started = perf_counter_ns()
        for _ in repeat(None, loops):
            await rotate(_plan(session_id, next(generations)))
        return (perf_counter_ns() - started) / loops

    return lambda loops: runner.run(loop(loops))


@contextmanager
def _sqlite() -> Iterator[tuple[Store, Any, Bare]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        url = f"sqlite:///{path}"
        store = SqlStore.from_url(url)
        store.upgrade()
        connection = sqlite3.connect(path, isolation_level=None)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=NORMAL")

        def bare(session_id: str) -> Callable[[], object]:
            generations = count()
            which = {"session_id": session_id}

            def rotate() -> None:  # what the script does on Redis, and nothing else
                generation, now_ms = next(generations), int(time() * 1000)
                cursor.execute("BEGIN IMMEDIATE")
                [row] = cursor.execute(SQL.find_session, which).fetchall()
                _, _, _, _, _, current, _, _, _, idle_ends_ms, ends_ms, revoked_ms, *_ = row
                assert generation == current
                assert row[14] == _SEC_HASH
                assert revoked_ms is None
                assert now_ms < min(idle_ends_ms, ends_ms)
                recent = [one for one in decode(row[15]) if abs(now_ms - one[1]) <= 10_000]
                values = {
                    "session_id": session_id,
                    "generation": generation + 1,
                    "born_ms": now_ms,
                    "last_used_ms": now_ms,
                    "idle_ends_ms": min(now_ms + 7 * _DAY_MS, ends_ms),
                    "claims_json": row[13],
                    "recent": encode([*recent, (generation, now_ms)][-8:]),
                }
                cursor.execute(SQL.update_rotation, values)
                cursor.execute("COMMIT")

            return rotate

        yield store, AsyncSqlStore.from_url(url), bare
        connection.close()
        store.close()


@contextmanager
def _postgres() -> Iterator[tuple[Store, Any, Bare]]:
    url = empty_database("bench")
    store = SqlStore.from_url(url)
    store.upgrade()
    text = statements_of(None)["rotate_current"].text
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = psycopg.RawCursor(connection)

        def bare(session_id: str) -> Callable[[], object]:
            generations = count()

            def rotate() -> None:
                values = (
                    *(session_id, next(generations), _SEC_HASH, None, 10_000, 7 * _DAY_MS, None),
                )
                rows = cursor.execute(text, values, prepare=True, binary=True).fetchall()
                assert len(rows) == 1

            return rotate

        yield store, AsyncSqlStore.from_url(url), bare
    store.close()


@contextmanager
def _redis(kind: str) -> Iterator[tuple[Store, Any, Bare]]:
    url = running(kind).url
    store = RedisStore.from_url(url)
    with redis.Redis.from_url(url) as client:

        def bare(session_id: str) -> Callable[[], object]:
            generations = count()
            client.script_load(script("rotate").text)
            [sent] = next(store.work.rotate(_plan(session_id, 0))).commands  # type: ignore[union-attr]
            command: list[Any] = list(sent)
            generation = command.index(session_id) + 1

            def rotate() -> None:
                command[generation] = next(generations)
                answer: Any = client.execute_command(*command)
                assert answer[0] == b"rotated"

            return rotate

        yield store, AsyncRedisStore.from_url(url), bare
    store.close()


_SETTINGS: Final[dict[str, Callable[[], Any]]] = {
    "SQLite": _sqlite,
    "PostgreSQL": _postgres,
    "Redis": lambda: _redis("redis 8"),
    "Valkey": lambda: _redis("valkey"),
}
