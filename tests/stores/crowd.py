"""Sixteen callers of one store at the same moment: threads, tasks or processes."""

import asyncio
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier as ProcessBarrier
from threading import Barrier
from typing import Any, Protocol

from gatepass.sessions import AsyncStore, Store
from gatepass.stores.redis import RedisStore
from gatepass.stores.sql import SqlStore
from tests.budget import PATIENCE_S, patience
from tests.stores.twins import Runner

CALLERS = 16


@dataclass(frozen=True)
class Call:
    """One operation of a store, to be made by somebody else."""

    name: str
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def on(self, store: Any) -> Any:
        return getattr(store, self.name)(*self.arguments, **dict(self.options))


def call(name: str, *arguments: Any, **options: Any) -> Call:
    return Call(name, arguments, tuple(options.items()))


class Crowd(Protocol):
    """Makes calls at once, each by another caller."""

    def all_at_once(self, calls: Sequence[Call]) -> list[Any]: ...


def store_at(url: str) -> Store:
    """The store that a URL names, on Redis one that waits for long."""
    if url.startswith("redis"):
        return RedisStore.from_url(url, timeout=PATIENCE_S)
    return SqlStore.from_url(url)


@contextmanager
def threads(store: Store) -> Iterator[Crowd]:
    """Threads of this process."""

    class Threads:
        def all_at_once(self, calls: Sequence[Call]) -> list[Any]:
            barrier = Barrier(len(calls))

            def make(one: Call) -> Any:
                barrier.wait(PATIENCE_S)
                return one.on(store)

            return list(pool.map(make, calls))

    with patience(), ThreadPoolExecutor(CALLERS) as pool:
        yield Threads()


@contextmanager
def tasks(store: AsyncStore, runner: Runner) -> Iterator[Crowd]:
    """Tasks of one event loop."""

    class Tasks:
        def all_at_once(self, calls: Sequence[Call]) -> list[Any]:
            async def gather() -> list[Any]:
                return await asyncio.gather(*(one.on(store) for one in calls))

            return runner.run(gather())

    with patience():
        yield Tasks()


@contextmanager
def processes(url: str) -> Iterator[Crowd]:
    """Processes, each with a store of its own on one database."""
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(CALLERS)
    pipes = [fork.Pipe() for _ in range(CALLERS)]
    children = [
        fork.Process(target=_serve, args=(url, barrier, theirs), daemon=True) for _, theirs in pipes
    ]
    with patience():
        for child in children:
            child.start()

    class Processes:
        def all_at_once(self, calls: Sequence[Call]) -> list[Any]:
            padded = [*calls, *[call("subject_epoch", "nobody")] * (CALLERS - len(calls))]
            for (ours, _), one in zip(pipes, padded, strict=True):
                ours.send(one)
            answers = [ours.recv() for ours, _ in pipes]
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
            return answers[: len(calls)]

    yield Processes()
    for ours, _ in pipes:
        ours.send(None)
    for child in children:
        child.join(PATIENCE_S)


def _serve(url: str, barrier: ProcessBarrier, calls: Connection) -> None:
    store = store_at(url)
    store.subject_epoch("nobody")
    while (one := calls.recv()) is not None:
        barrier.wait(PATIENCE_S)
        try:
            calls.send(one.on(store))
        except Exception as error:  # noqa: BLE001 (raised again where it is looked at)
            calls.send(error)
    store.close()
