"""A manager whose connections are watched, and another process's manager, on any database."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.errors import GatepassError
from gatepass.jose import KeySet, SharedKey
from gatepass.revocations import replica_of
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.sql import AsyncSqlStore, SqlStore
from tests.budget import PATIENCE_S
from tests.revocations.worlds import empty_backend
from tests.stores.twins import Awaited, Runner

ACCESS, NEXT, REFRESH = (SharedKey.generate() for _ in range(3))


class Keys:
    """A source of keys that the test changes."""

    def __init__(self) -> None:
        self.version = 0
        self.keys = KeySet(ACCESS)
        self.failure: Exception | None = None

    def current(self) -> KeySet:
        if self.failure is not None:
            raise self.failure
        return self.keys


class Line:
    """One open connection in either twin, and how it ended."""

    def __init__(self, watch: Any, runner: Runner | None, told: list[str]) -> None:
        self.watch = watch
        self._runner = runner
        self.told = told
        """The reason, as often as it was told."""
        if runner is None:
            watch.__enter__()
        else:
            self._left = asyncio.Event()
            entered = asyncio.Event()
            self._task = runner.get_loop().create_task(self._hold(entered))
            runner.run(self._enter(entered))

    async def _hold(self, entered: asyncio.Event) -> None:
        try:
            async with self.watch:
                entered.set()
                await self._left.wait()
        except GatepassError as error:
            if not entered.is_set():
                raise
            self.told.append(error.code)

    async def _enter(self, entered: asyncio.Event) -> None:
        waiting = asyncio.ensure_future(entered.wait())
        await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
        if not entered.is_set():
            waiting.cancel()
            await self._task

    def renew(self, token: str) -> Any:
        claims = self.watch.renew(token)
        return claims if self._runner is None else self._runner.run(claims)

    def leave(self) -> None:
        if self._runner is None:
            self.watch.__exit__(None, None, None)
        else:
            self._left.set()
            self._runner.run(asyncio.wait([self._task]))


class World:
    """`manager` and `replica` are of this process, `elsewhere` of another (not in memory)."""

    def __init__(
        self,
        backend: str,
        twin: str,
        runner: Runner,
        folder: Path,
        *,
        url: str | None = None,
        now: Callable[[], float] = time.time,
        access_format: str = "jwt",
        **options: Any,
    ) -> None:
        self.is_async = twin == "async"
        self.runner = runner
        self.keys = Keys()
        self.lines: list[Line] = []
        if backend == "memory":
            self.store: Any = AsyncMemoryStore() if self.is_async else MemoryStore()
            self.replica: Any = None
        else:
            url = url or (
                f"sqlite:///{folder}/gate.db" if backend == "sqlite" else empty_backend(backend)
            )
            self.store = self._open(url, is_async=self.is_async)
            self.replica = replica_of(self.store, **options)
        make: Any = AsyncTokenManager if self.is_async else TokenManager
        policy = TokenPolicy(
            issuer="id",
            audience="api",
            rotation_leeway=timedelta(0),
            access_format=access_format,
        )
        make = partial(make, policy, refresh_keys=REFRESH)
        parts = {"access_keys": self.keys, "now": now, "revocations": self.replica}
        self.inner = make(store=self.store, **parts)
        self.manager: Any = Awaited(self.inner, runner) if self.is_async else self.inner
        self.elsewhere: Any = self.manager
        if url is not None:
            self.elsewhere = TokenManager(
                policy,
                access_keys=self.keys,
                refresh_keys=REFRESH,
                store=self._open(url, is_async=False),
                now=now,
            )

    @staticmethod
    def _open(url: str, *, is_async: bool) -> Any:
        kinds = (
            (RedisStore, AsyncRedisStore) if url.startswith("redis") else (SqlStore, AsyncSqlStore)
        )
        return kinds[is_async].from_url(url)

    @property
    def watches(self) -> Any:
        return (self.replica or self.store).watches

    def log_in(self, subject: str = "ada") -> Any:
        return self.elsewhere.issue(subject)

    def hold(self, token: str | Any, **options: Any) -> Line:
        """A connection that was opened with this token, or with these claims."""
        claims = self.manager.verify(token) if isinstance(token, str) else token
        told: list[str] = []
        if self.is_async:
            line = Line(self.inner.watch(claims, **options), self.runner, told)
        else:
            line = Line(self.inner.watch(claims, told.append, **options), None, told)
        self.lines.append(line)
        return line

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to be so, while tasks go on."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, "it has not come to be"
            if self.is_async:
                self.runner.run(asyncio.sleep(0.005))
            else:
                time.sleep(0.005)

    def until_told(self, line: Line, reason: str) -> None:
        self.until(lambda: line.told)
        assert (line.told, line.watch.reason) == ([reason], reason)

    def close(self) -> None:
        for line in self.lines:
            line.leave()
        if self.replica is not None:
            closing = self.replica.close()
            if self.is_async:
                self.runner.run(closing)
            self.elsewhere.close()
        self.manager.close()


def ticks(world: World, note: Callable[[], Any] = int) -> list[Any]:
    """Grows with every tick from now on."""
    rounds: list[Any] = []
    look = world.watches._look

    def counted() -> Any:
        rounds.append(note())
        return look()

    world.watches._look = counted
    return rounds
