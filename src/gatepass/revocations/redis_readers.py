"""Reads the logs in Redis over connections of their own; the twins share the steps."""

from collections.abc import Sequence

from gatepass.revocations.state import ReplicaState
from gatepass.revocations.stream_steps import StreamSteps
from gatepass.revocations.streams import StreamCursor
from gatepass.sessions.session import PARTITIONS
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.redis.async_connections import AsyncConnections
from gatepass.stores.redis.connections import Connections
from gatepass.stores.redis.parts import Work
from gatepass.stores.redis.target import Layout, Target


def lanes_of(target: Target) -> Sequence[str]:
    """The parts that are read by themselves: all partitions are, where they lie apart."""
    if target.layout is Layout.CLUSTER:
        return [f"partition {number}" for number in range(PARTITIONS)]
    return ("log",)


class _Cursors:
    """Where the readers of each lane got to."""

    def __init__(self, work: Work, state: ReplicaState) -> None:
        self._work = work
        all_partitions = range(PARTITIONS)
        self._cursors = [
            StreamCursor(
                all_partitions if len(state.lanes) == 1 else (lane,), state.denylist, state.alarm
            )
            for lane in range(len(state.lanes))
        ]

    def steps(self, lane: int) -> StreamSteps:
        """The steps of a new reader, which go on where the last one's got to."""
        cursor = self._cursors[lane] = self._cursors[lane].resumed()
        return StreamSteps(self._work.target, self._work.keys, cursor, self._work.clock)


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
    """See `Source`."""

    def __init__(self, store: RedisStore, state: ReplicaState) -> None:
        self._target = store.work.target
        self._cursors = _Cursors(store.work, state)

    def reader(self, lane: int) -> RedisReader:
        """See `Source.reader`."""
        return RedisReader(self._target, self._cursors.steps(lane))


class AsyncRedisSource:
    """See `AsyncSource`."""

    def __init__(self, store: AsyncRedisStore, state: ReplicaState) -> None:
        self._target = store.work.target
        self._cursors = _Cursors(store.work, state)

    def reader(self, lane: int) -> AsyncRedisReader:
        """See `AsyncSource.reader`."""
        return AsyncRedisReader(self._target, self._cursors.steps(lane))
