"""Whether a server that calls itself the primary still is it, under Sentinel.

One that was cut off goes on answering, and knows no revocation that others made since. It
counts as the primary while most sentinels name it, or while as many replicas keep up with it as
ever did since then: one that is missing may have become the primary, with another still here.
"""

import time
from typing import Any, Final

from redis.exceptions import ResponseError

from gatepass.stores.redis.durability import parse_info
from gatepass.stores.redis.target import Address, Layout, Target
from gatepass.stores.redis.wire import Command, Exchange, Lost, Steps

WHO: Final[Command] = ("INFO", "replication")
NOT_NAMED: Final = "replicas of the primary do not keep up, and most sentinels do not name it"
CHECK_S: Final = 1.0
"""Seconds between two checks of a server's role."""
_MAX_LAG_S: Final = 2
_SENTINEL_S: Final = 0.3


def can_be_replaced(target: Target) -> bool:
    """Whether another server can become the primary while this one still answers.

    A member of a cluster stops answering by itself.
    """
    return target.layout is Layout.SENTINEL and target.replicas != 0


def count_good_replicas(who: Any) -> int:
    """The number of replicas that kept up within the last two seconds, by `INFO`."""
    if isinstance(who, ResponseError):
        return 0
    good = 0
    for name, value in parse_info(who).items():
        if name.startswith("slave") and name[5:].isdigit():
            fields = dict(part.partition("=")[::2] for part in value.split(","))
            lag = int(fields.get("lag", "99"))  # below 0 once the server's clock was set back
            if fields.get("state") == "online" and 0 <= lag <= _MAX_LAG_S:
                good += 1
    return good


def is_named(target: Target, address: Address, deadline: float) -> Steps[bool]:
    """Whether most sentinels still call this server the primary."""
    named = 0
    command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", target.service)
    for sentinel in target.addresses:
        seconds = min(_SENTINEL_S, deadline - time.monotonic())
        if seconds <= 0:
            break
        try:
            [reply] = yield Exchange(sentinel, [command], seconds, is_sentinel=True)
        except Lost:
            continue
        match reply:
            case [bytes() as host, bytes() as port]:
                named += (host.decode(), int(port)) == address
    return 2 * named > len(target.addresses)


class Backing:
    """The most replicas that kept up with a server since most sentinels named it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._most: dict[Address, int] = {}

    def is_believed(self, address: Address, who: Any, deadline: float) -> Steps[bool]:
        """Whether the server that answered this to `WHO` is still the primary."""
        good, most = count_good_replicas(who), self._most.get(address)
        is_backed = most is not None and good >= max(most, 1)
        if not is_backed and not (yield from is_named(self._target, address, deadline)):
            return False
        self._most[address] = max(good, most or 0)
        return True


class Guard:
    """Checks once a second the role of a server whose replies no replica confirms."""

    def __init__(self, target: Target) -> None:
        self._backing = Backing(target)
        self.is_needed: Final = can_be_replaced(target)
        self._good_until: dict[Address, float] = {}

    def is_due(self, address: Address) -> bool:
        """Whether `WHO` should be sent along."""
        return time.monotonic() >= self._good_until.get(address, 0.0)

    def require(self, address: Address, who: Any, sent: float, deadline: float) -> Steps[None]:
        """Judge the reply to `WHO`, which was sent at this moment.

        Raises:
            Lost: Another may have taken over.
        """
        if not (yield from self._backing.is_believed(address, who, deadline)):
            self._good_until.pop(address, None)
            raise Lost(NOT_NAMED)
        self._good_until[address] = sent + CHECK_S
