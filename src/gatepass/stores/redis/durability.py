"""The promise behind an acknowledged change: replicas that have it, or the disk."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatepass.errors import StoreUnavailable
from gatepass.stores.redis.refusals import is_forbidden, raise_refusal
from gatepass.stores.redis.target import Address, Layout, Target
from gatepass.stores.redis.wire import STRANGE, Command, Exchange, Lost, Steps

INFO: Final[Command] = ("INFO", "server", "replication", "persistence", "memory")
_FRESH_S: Final = 10.0
_WAITAOF_SINCE: Final = (7, 2)
_UNTOLD: Final = (
    "INFO is forbidden to this user of Redis, so it is unknown whether logins and revocations "
    "are durable: allow INFO, or pass replicas=N, the number of replicas that confirm"
)
_NOT_WRITTEN: Final = "the append-only file of Redis was turned off: set appendonly yes"
_EVICTS: Final = "Redis was told to evict keys: set maxmemory-policy noeviction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The replicas or the disk that must have a change before it is acknowledged."""

    replicas: int = 0
    disk: bool = False

    def command(self, seconds: float) -> Command | None:
        """The command to send behind the script; `None`: nothing confirms."""
        milliseconds = max(int(seconds * 1000), 1)
        if self.replicas:
            return ("WAIT", self.replicas, milliseconds)
        if self.disk:
            return ("WAITAOF", 1, 0, milliseconds)
        return None

    def is_kept(self, reply: Any) -> bool:
        """Whether this reply to the command confirms the change."""
        if self.replicas:
            return isinstance(reply, int) and reply >= self.replicas
        match reply:
            case [int() as here, *_]:
                return here >= 1
            case _:
                return False


class Durability:
    """The promise of each server, from what the server says of itself."""

    def __init__(self, target: Target) -> None:
        self._by_count: Promise | None = None
        if target.replicas:
            self._by_count = Promise(replicas=target.replicas)
        elif target.replicas is None and target.layout is not Layout.SINGLE:
            self._by_count = Promise(replicas=1)
        self._counts_replicas = target.replicas is None
        self._seen: dict[Address, tuple[Promise, float]] = {}
        self._had_replicas = False
        self._wrote: set[Address] = set()
        self._kept: set[Address] = set()

    def find(self, address: Address, seconds: float) -> Steps[Promise]:
        """The promise of a server, from memory or by `INFO`."""
        if self._by_count is not None:
            return self._by_count
        known = self._seen.get(address)
        return (yield from self.look(address, seconds)) if known is None else known[0]

    def look(self, address: Address, seconds: float) -> Steps[Promise]:
        """The promise of a server, by `INFO`."""
        [reply] = yield Exchange(address, [INFO], seconds)
        return self.learn(address, reply)

    def is_old(self, address: Address) -> bool:
        """Whether `INFO` should be sent along, since replicas may have come."""
        known = self._seen.get(address)
        if known is None:  # `find` sends `INFO`, unless the number is given
            return self._by_count is not None
        return time.monotonic() > known[1] + _FRESH_S

    def learn(self, address: Address, reply: Any) -> Promise:
        """The promise that follows from a reply to `INFO`.

        Raises:
            StoreUnavailable: `INFO` is forbidden, or the server was made to keep less than
                when it was first seen.
            Lost: The reply is another.
        """
        promise = self._by_count
        if not is_forbidden(reply):
            info = parse_info(reply)
            promise = self.promise(info)
            self._require_kept(address, info, promise)
        elif promise is None:
            raise StoreUnavailable(_UNTOLD)
        self._seen[address] = (promise, time.monotonic())
        return promise

    def _require_kept(self, address: Address, info: Mapping[str, str], promise: Promise) -> None:
        if info.get("aof_enabled") == "1":
            self._wrote.add(address)
        elif address in self._wrote and not promise.replicas:
            raise StoreUnavailable(_NOT_WRITTEN)
        if info.get("maxmemory_policy") == "noeviction":
            self._kept.add(address)
        elif address in self._kept and info.get("maxmemory", "0") != "0":
            raise StoreUnavailable(_EVICTS)

    def forget(self, address: Address) -> None:
        """Send `INFO` before this server is used again: it may have changed its role."""
        self._seen.pop(address, None)

    def promise(self, info: Mapping[str, str]) -> Promise:
        """The promise of a server with these lines of `INFO`."""
        if self._by_count is not None:
            return self._by_count
        if self._counts_replicas and count_replicas(info):
            self._had_replicas = True  # a replica that is gone still counts as one
        if self._had_replicas:
            return Promise(replicas=1)
        return Promise(disk=info.get("aof_enabled") == "1" and version(info) >= _WAITAOF_SINCE)


def parse_info(reply: Any) -> dict[str, str]:
    """The lines of a reply to `INFO`.

    Raises:
        StoreUnavailable: The server rejected the command, for good.
        Lost: The reply is another, or the server is not the one to ask now.
    """
    raise_refusal(reply)
    if not isinstance(reply, bytes):
        raise Lost(STRANGE)
    lines = (line.partition(":") for line in reply.decode(errors="replace").splitlines())
    return {name: value for name, colon, value in lines if colon}


def count_replicas(info: Mapping[str, str]) -> int:
    """The number of replicas that are connected.

    Raises:
        Lost: The server says no number.
    """
    count = info.get("connected_slaves", "0")
    if not count.isdecimal():
        raise Lost(STRANGE)
    return int(count)


def version(info: Mapping[str, str]) -> tuple[int, ...]:
    """The version of Redis whose commands the server has; Valkey always says 7.2.4."""
    return tuple(int(part) for part in info.get("redis_version", "0").split(".") if part.isdigit())
