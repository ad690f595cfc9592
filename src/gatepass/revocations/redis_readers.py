"""The readers of the log in Redis: a connection of their own, for either twin."""

from collections.abc import Callable, Sequence

from gatepass.revocations.redis_cursor import RedisCursor
from gatepass.revocations.redis_log import RedisLog
from gatepass.revocations.state import ReplicaState
from gatepass.sessions.session import PARTITIONS
from gatepass.stores.redis import AsyncRedisStore, RedisStore
from gatepass.stores.redis.async_connections import AsyncConnections
from gatepass.stores.redis.connections import Connections
from gatepass.stores.redis.target import Layout, Target

Store = RedisStore | AsyncRedisStore


def partitions_of(store: Store) -> Sequence[str]:
    """The names of parts that are read separately: on a Cluster partitions, else the whole log."""
    if store.work.target.layout is Layout.CLUSTER:
        return [f"partition {number}" for number in range(PARTITIONS)]
    return ("log",)


class RedisReader:
    """See `Reader`; it has a pool of its own with one connection in it."""

    def __init__(self, target: Target, log: RedisLog) -> None:
        self._log = log
        self._run = Connections(target)

    def read(self, wait_s: float) -> float | None:
        """See `Reader.read`."""
        return self._run.run(self._log.read(wait_s))

    def close(self) -> None:
        """See `Reader.close`."""
        self._run.close()

    def abandon(self) -> None:
        """See `Reader.abandon`; connections know the process they belong to."""


class AsyncRedisReader:
    """`RedisReader` for `await`."""

    def __init__(self, target: Target, log: RedisLog) -> None:
        self._log = log
        self._run = AsyncConnections(target)

    async def read(self, wait_s: float) -> float | None:
        """See `Reader.read`."""
        return await self._run.run(self._log.read(wait_s))

    async def close(self) -> None:
        """See `Reader.close`."""
        await self._run.close()

    def abandon(self) -> None:
        """See `AsyncReader.abandon`; connections know the loop they belong to."""


def readers_of(
    store: Store, state: ReplicaState
) -> Callable[[int], RedisReader | AsyncRedisReader]:
    """A function from a partition to a new reader, which reads on where the last one stopped."""
    work, reader = store.work, AsyncRedisReader if store.is_async else RedisReader
    count = len(state.partitions)
    cursors = [
        RedisCursor(range(PARTITIONS) if count == 1 else (each,), state.denylist, state.alarm)
        for each in range(count)
    ]

    def new_reader(partition: int) -> RedisReader | AsyncRedisReader:
        cursor = cursors[partition] = cursors[partition].resumed()
        return reader(work.target, RedisLog(work.target, work.keys, cursor, work.clock))

    return new_reader
