"""Reads the logs in Redis over connections of their own; the twins share the steps."""

from collections.abc import Sequence

from gatepass.revocations.state import ReplicaState
from gatepass.revocations.stream_steps import StreamSteps
from gatepass.revocations.streams import StreamCursor
from gatepass.sessions.session import PARTITIONS
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.redis.async_connections import AsyncConnections
from gatepass.stores.redis.connections import Connections
from gatepass.stores.redis.target import Layout, Target

Store = RedisStore | AsyncRedisStore


def lanes_of(store: Store) -> Sequence[str]:
    """The parts of the log that are read separately: on a Cluster each partition.

    Each has a lease of its own, so that a dead shard makes only its own sessions stale.
    """
    if store.work.target.layout is Layout.CLUSTER:
        return [f"partition {number}" for number in range(PARTITIONS)]
    return ("log",)


class RedisReader:
    """See `Reader`; it has a pool of its own with one connection in it."""

    def __init__(self, target: Target, steps: StreamSteps) -> None:
        self._steps = steps
        self._run = Connections(target)

    def read(self, wait_s: float) -> float | None:
        """See `Reader.read`."""
        return self._run.run(self._steps.read(wait_s))

    def close(self) -> None:
        """See `Reader.close`."""
        self._run.close()

    def abandon(self) -> None:
        """See `Reader.abandon`; connections know the process they belong to."""


class AsyncRedisReader:
    """`RedisReader` for `await`."""

    def __init__(self, target: Target, steps: StreamSteps) -> None:
        self._steps = steps
        self._run = AsyncConnections(target)

    async def read(self, wait_s: float) -> float | None:
        """See `Reader.read`."""
        return await self._run.run(self._steps.read(wait_s))

    async def close(self) -> None:
        """See `Reader.close`."""
        await self._run.close()

    def abandon(self) -> None:
        """See `AsyncReader.abandon`; connections know the loop they belong to."""


class RedisSource:
    """See `Source` and `AsyncSource`; it keeps how far the readers of each lane got."""

    def __init__(self, store: Store, state: ReplicaState) -> None:
        self._work = store.work
        self._reader = AsyncRedisReader if store.is_async else RedisReader
        all_partitions = range(PARTITIONS)
        self._cursors = [
            StreamCursor(
                all_partitions if len(state.lanes) == 1 else (lane,), state.denylist, state.alarm
            )
            for lane in range(len(state.lanes))
        ]

    def reader(self, lane: int) -> RedisReader | AsyncRedisReader:
        """See `Source.reader`."""
        work = self._work
        cursor = self._cursors[lane] = self._cursors[lane].resumed()
        return self._reader(work.target, StreamSteps(work.target, work.keys, cursor, work.clock))


source_of = RedisSource
