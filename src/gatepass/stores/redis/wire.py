"""The steps of an operation, their failures, and the options of connections.

An operation yields an `Exchange` or a `Pause` and is sent the replies. `Connections.run` and
`AsyncConnections.run` carry them out.
"""

import inspect
from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from redis.asyncio.connection import RedisSSLContext
from redis.connection import AbstractConnection

from gatepass.stores.redis.scripts import Argument
from gatepass.stores.redis.target import Address, Target
from gatepass.stores.redis.tls import make_context

T = TypeVar("T")

Command = Sequence[Argument]


class Exchange(NamedTuple):
    """Commands for one server, sent together; answered by a list of replies, errors included.

    Exchanges with one address that follow each other go over one and the same connection.
    """

    address: Address
    commands: Sequence[Command]
    seconds: float
    """How long all of it may take, connecting included."""
    is_sentinel: bool = False


class Pause(NamedTuple):
    """Seconds to wait; the operation is sent `None`."""

    seconds: float


Steps = Generator[Exchange | Pause, Any, T]


class Lost(Exception):
    """No reply came, and the server may have acted or not. Never leaves the package.

    `is_final`: repeating cannot help, because the server does not let us in.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


def alone(lost: Lost) -> Lost:
    """The failure without the errors behind it and its cause: those may quote the server."""
    lost.__context__ = None
    if lost.__cause__ is not None:
        lost.__cause__.__cause__ = lost.__cause__.__context__ = None
    return lost


STRANGE: Final = "the server does not answer as Redis does"
NO_REPLY: Final = (ValueError, TypeError, LookupError)
"""Errors of redis-py over a reply that it cannot read, such as a `MOVED` without address."""
MAX_CONNECTIONS: Final = 64
"""Exchanges of one store at a time; others wait, within their time."""

_SILENT: Final = (
    {"driver_info": None}
    if "driver_info" in inspect.signature(AbstractConnection.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)
_OURS: Final[dict[str, Any]] = {
    "protocol": 2,
    "encoding": "utf-8",
    "decode_responses": False,
    "retry_on_timeout": False,
    **_SILENT,
}
"""Replies of one shape, few commands on connecting, no retries but ours."""


class Opener:
    """Makes the options of connections to a target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._context = make_context(target.options) if target.is_tls else None
        self._context_of_sentinels = (
            make_context(target.sentinel_options) if target.sentinels_use_tls else None
        )

    def options(self, exchange: Exchange) -> dict[str, Any]:
        """The arguments for a connection of redis-py."""
        target = self._target
        given = target.sentinel_options if exchange.is_sentinel else target.options
        host, port = exchange.address
        where = {} if "path" in given else {"host": host, "port": port}
        return {**given, **where, **_OURS}

    def context(self, exchange: Exchange) -> RedisSSLContext | None:
        """The TLS context; `None`: without TLS."""
        return self._context_of_sentinels if exchange.is_sentinel else self._context
