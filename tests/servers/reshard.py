"""Moves a slot of a Cluster from one primary to another, step by step, as its operators do."""

import time
from collections.abc import Callable, Sequence

from redis.crc import key_slot

from tests.servers.redis_server import PATIENCE_S, Server
from tests.servers.redis_sets import ServerSet

_MIGRATE_MS = 5_000
_TOGETHER = 50


class Move:
    """One partition of the sixteen on its way; keys go when they are told to."""

    def __init__(self, servers: ServerSet, partition: int, target: Server | None = None) -> None:
        self._members = servers.primaries()
        self.slot = key_slot(str(partition).encode())
        self.source = next(one for one in self._members if self._has_slot(one))
        others = [one for one in self._members if one is not self.source]
        self.target = target or others[0]

    def _has_slot(self, server: Server) -> bool:
        return any(
            first <= self.slot <= last and primary[1] == server.port
            for first, last, primary, *_ in server.command("CLUSTER", "SLOTS")
        )

    def begin(self) -> None:
        """From now on what the source does not have is asked of the target."""
        source, target = (one.command("CLUSTER", "MYID") for one in (self.source, self.target))
        self.target.command("CLUSTER", "SETSLOT", self.slot, "IMPORTING", source)
        self.source.command("CLUSTER", "SETSLOT", self.slot, "MIGRATING", target)

    def keys(self) -> list[bytes]:
        """What is still at the source."""
        found: list[bytes] = self.source.command("CLUSTER", "GETKEYSINSLOT", self.slot, 10_000)
        return found

    def take(self, wanted: Callable[[bytes], bool] = lambda _: True) -> Sequence[bytes]:
        """Move the keys that are wanted; those that were moved."""
        keys = [key for key in self.keys() if wanted(key)]
        for start in range(0, len(keys), _TOGETHER):
            some = keys[start : start + _TOGETHER]
            self.source.command(
                *("MIGRATE", "127.0.0.1", self.target.port, "", 0, _MIGRATE_MS, "KEYS", *some)
            )
        return keys

    def finish(self) -> None:
        """Move the rest, and have everybody know whose the slot is."""
        until = time.monotonic() + PATIENCE_S
        while left := self.keys():
            assert time.monotonic() < until, f"{left[:3]} do not go"
            self.take()
        target = self.target.command("CLUSTER", "MYID")
        for server in [self.target, *self._members]:
            server.command("CLUSTER", "SETSLOT", self.slot, "NODE", target)
