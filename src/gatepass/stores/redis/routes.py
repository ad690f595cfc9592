"""The server of each partition, as sentinels or cluster members name it, until it fails."""

import time
from typing import Any, Final

from redis.crc import key_slot
from redis.exceptions import RedisError

from gatepass.sessions.session import PARTITIONS
from gatepass.stores.redis.losses import CREDENTIALS
from gatepass.stores.redis.target import Address, Layout, Target
from gatepass.stores.redis.wire import Command, Exchange, Lost, Steps

_UNKNOWN_NAME: Final = "they know none of the name that the URL has after its hosts"
_OWN_CREDENTIALS: Final = (
    "the sentinels reject the password: the URL names theirs by ?sentinel_password=, "
    "and their user by &sentinel_username="
)
_ASK_S: Final = 0.3
"""How long one sentinel or member may take to say where a primary is."""
_SLOTS: Final = tuple(key_slot(str(number).encode()) for number in range(PARTITIONS))


class Routes:
    """The servers that a store knows; shared by its threads or tasks."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[int, Address] = {}
        self._members: tuple[Address, ...] = target.addresses
        if target.layout is Layout.SINGLE:
            self._known = dict.fromkeys(range(PARTITIONS), target.addresses[0])

    def find(self, partition: int, deadline: float) -> Steps[Address]:
        """The primary of a partition.

        Raises:
            Lost: No sentinel or member names the primary.
        """
        known = self._known.get(partition)
        if known is not None:
            return known
        yield from self._learn(deadline)
        if partition not in self._known:
            raise Lost("no primary is known for a partition")
        return self._known[partition]

    def is_at(self, address: Address, partition: int) -> bool:
        """Whether a partition is known to be there."""
        return self._known.get(partition) == address

    def find_all(self, deadline: float) -> Steps[dict[Address, list[int]]]:
        """Every primary with its partitions."""
        if self._target.layout is not Layout.SINGLE:
            yield from self._learn(deadline)
        if len(self._known) < PARTITIONS:
            raise Lost("no primary is known for a partition")
        found: dict[Address, list[int]] = {}
        for partition, address in sorted(self._known.items()):
            found.setdefault(address, []).append(partition)
        return found

    def known(self) -> set[Address]:
        """Every primary that is remembered."""
        return set(self._known.values())

    def moved(self, partition: int, host: str, port: int, said_by: Address) -> None:
        """Remember the new server of a partition, by the word of a cluster member."""
        self._known = {**self._known, partition: (host or said_by[0], port)}

    def forget(self, address: Address) -> None:
        """Look this server's partitions up again, and ask others first."""
        if self._target.layout is Layout.SINGLE:
            return
        if self._target.layout is Layout.SENTINEL and address in self._known.values():
            self._last(self._members[0])  # it named this server, and may be cut off with it
        self._known = {p: known for p, known in self._known.items() if known != address}
        if address in self._members:
            self._last(address)

    def _learn(self, deadline: float) -> Steps[None]:
        is_sentinel = self._target.layout is Layout.SENTINEL
        if is_sentinel:
            command: Command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._target.service)
        else:
            command = ("CLUSTER", "SLOTS")
        reason: Lost | None = None
        for member in self._members:
            seconds = min(_ASK_S, deadline - time.monotonic())
            if seconds <= 0:
                break
            try:
                [reply] = yield Exchange(member, [command], seconds, is_sentinel=is_sentinel)
            except Lost as lost:
                reason = lost
                self._last(member)
                continue
            found = _primary(reply) if is_sentinel else _slots(reply, member)
            if found:
                self._known = found
                self._remember(found)
                return
            if isinstance(reply, RedisError):  # its text is not quoted
                reason = Lost(f"a member rejects the command ({type(reply).__name__})")
            elif reply is None:  # a sentinel that does not know the name
                reason = Lost(_UNKNOWN_NAME)
            self._last(member)
        if reason is None:
            raise Lost("no answer in time")
        if is_sentinel and str(reason) == CREDENTIALS:
            raise Lost(_OWN_CREDENTIALS, is_final=True) from reason
        who = "sentinel" if is_sentinel else "member of the cluster"
        raise Lost(
            f"no {who} names the primary: {reason}", is_final=str(reason) == _UNKNOWN_NAME
        ) from reason

    def _remember(self, found: dict[int, Address]) -> None:
        """Keep members of a cluster for the time when those of the URL are gone."""
        if self._target.layout is Layout.CLUSTER:
            new = [one for one in dict.fromkeys(found.values()) if one not in self._members]
            self._members = (*self._members, *new)

    def _last(self, member: Address) -> None:
        self._members = (*(one for one in self._members if one != member), member)


def _primary(reply: Any) -> dict[int, Address]:
    """All partitions at the address in a sentinel's reply."""
    match reply:
        case [bytes() as host, bytes() as port] if host.isascii() and port.isdigit():
            return dict.fromkeys(range(PARTITIONS), (host.decode(), int(port)))
        case _:
            return {}


def _slots(reply: Any, said_by: Address) -> dict[int, Address]:
    """The partitions' primaries in a reply to `CLUSTER SLOTS`."""
    found = {}
    for each in reply if isinstance(reply, list) else ():
        match each:
            case [int() as first, int() as last, [bytes() | None as name, int() as port, *_], *_]:
                host = name.decode(errors="replace") if name else said_by[0]
                for partition, slot in enumerate(_SLOTS):
                    if first <= slot <= last:
                        found[partition] = (host, port)
    return found
