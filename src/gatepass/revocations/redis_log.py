"""The log in Redis as a reader sees it: which commands to send, and what their replies mean.

Only a primary's answer counts. Under Sentinel a server that calls itself one may have been
replaced while it was cut off. Its answers count if no replica is missing, or if most sentinels
name it. A member of a Cluster stops answering by itself.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_ms, steady_now
from gatepass.revocations.redis_cursor import COUNT, RedisCursor
from gatepass.revocations.state import CutOff
from gatepass.stores.redis.durability import parse_info
from gatepass.stores.redis.layout import Keys
from gatepass.stores.redis.primaries import (
    CHECK_S,
    NOT_NAMED,
    WHO,
    Backing,
    can_be_replaced,
)
from gatepass.stores.redis.refusals import raise_refusal
from gatepass.stores.redis.routes import Routes
from gatepass.stores.redis.target import Address, Target
from gatepass.stores.redis.wire import Command, Exchange, Lost, Steps

_ANSWER_S: Final = 1.0
"""The time limit of an answer, without the wait for new entries."""


class RedisLog:
    """Reads the logs of some partitions that one server holds."""

    def __init__(
        self,
        target: Target,
        keys: Keys,
        cursor: RedisCursor,
        clock: Callable[[], float] | None,
    ) -> None:
        self._target = target
        self._routes = Routes(target)
        self._cursor = cursor
        self._clock = clock
        bases = [keys.bases[partition] for partition in cursor.partitions]
        self._meta = [f"{base}meta" for base in bases]
        self._logs = [f"{base}log" for base in bases]
        self._partition_of = {
            log.encode(): partition
            for log, partition in zip(self._logs, cursor.partitions, strict=True)
        }
        self._backing = Backing(target)
        self._can_be_replaced = can_be_replaced(target)
        self._address: Address | None = None
        self._server: tuple[str | None, ...] = ()
        self._check_at = 0.0

    def read(self, wait_s: float) -> Steps[float | None]:
        """See `Reader.read`."""
        try:
            return (yield from self._read(wait_s))
        except (Lost, StoreUnavailable) as error:
            if self._address is not None:
                self._routes.forget(self._address)
                self._address = None
            if isinstance(error, Lost):
                raise StoreUnavailable(f"Redis: {error}") from error
            raise

    def _read(self, wait_s: float) -> Steps[float | None]:
        address = yield from self._routes.find(
            self._cursor.partitions[0], time.monotonic() + _ANSWER_S
        )
        if address != self._address:
            self._cursor.step_back()
            self._address, self._server, self._check_at = address, (), 0.0
        if time.monotonic() >= self._check_at:
            yield from self._check(address)
        sent = steady_now()
        commands: list[Command] = [("ROLE",), self._read_command(wait_s), ("TIME",)]
        role, found, now = yield Exchange(address, commands, wait_s + _ANSWER_S)
        for reply in (role, found, now):
            raise_refusal(reply)
        if role[0] != b"master":
            raise Lost("the server is a replica")
        read = {self._partition_of[name]: entries for name, entries in found or ()}
        store_ms = self._store_ms(now)
        is_complete = self._cursor.take(read, store_ms=store_ms, now_ms=steady_ms())
        return sent if is_complete else None

    def _read_command(self, wait_s: float) -> Command:
        block = ("BLOCK", max(int(wait_s * 1000), 1)) if wait_s > 0 else ()
        ids = self._cursor.ids()
        return ("XREAD", "COUNT", COUNT, *block, "STREAMS", *self._logs, *ids)

    def _check(self, address: Address) -> Steps[None]:
        """Compare the server and its logs with those of the last check.

        Raises:
            CutOff: Replicas are missing, and no majority of sentinels names the server.
        """
        witnesses = self._cursor.witnesses()
        commands: list[Command] = [
            ("INFO", "server"),
            WHO,
            ("TIME",),
            *(("HMGET", meta, "id", "at", "life") for meta in self._meta),
            *(("XRANGE", log, i, i) for log, i in zip(self._logs, witnesses, strict=True)),
        ]
        replies = yield Exchange(address, commands, _ANSWER_S)
        for reply in replies:
            raise_refusal(reply)
        server, replication = parse_info(replies[0]), parse_info(replies[1])
        if replication.get("role") != "master":
            raise Lost("the server is a replica")
        if self._can_be_replaced:
            deadline = time.monotonic() + _ANSWER_S
            if not (yield from self._backing.is_believed(address, replies[1], deadline)):
                raise CutOff(f"Redis: {NOT_NAMED}")
        found = (server.get("run_id"), replication.get("master_replid"))
        if self._server and found != self._server:
            self._cursor.step_back()
        self._server = found
        count = len(self._meta)
        facts = list(zip(replies[3 : 3 + count], replies[3 + count :], strict=True))
        self._cursor.judge(facts, self._store_ms(replies[2]))
        self._check_at = time.monotonic() + CHECK_S

    def _store_ms(self, now: Sequence[bytes]) -> int:
        """The clock that dates entries."""
        if self._clock is not None:
            return int(self._clock() * 1000)
        return int(now[0]) * 1000 + int(now[1]) // 1000
