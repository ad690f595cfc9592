"""Closing connections of a closed event loop, and leaving those of the parent process.

Their transports cannot close in the usual way: that needs their loop.
"""

from contextlib import suppress
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection

_ABANDONED: Final[list[AbstractConnection]] = []
"""Connections of the parent: closing them would disturb the selector that both share."""


def let_go(connection: AbstractConnection, *, is_foreign: bool) -> None:
    """Free the socket without the loop; in a forked child only keep it from being used."""
    if is_foreign:
        _ABANDONED.append(connection)
        return
    writer: Any = connection._writer  # noqa: SLF001 (redis-py has no way to close without a loop)
    connection._writer = connection._reader = None  # noqa: SLF001
    if writer is None:
        return
    transport = writer.transport
    protocol = getattr(transport, "_ssl_protocol", None)
    for each in (transport, getattr(protocol, "_transport", None)):
        with suppress(RuntimeError):  # the loop is closed
            if each is not None:
                each.abort()
        lost = getattr(each, "_call_connection_lost", None)
        if lost is not None:
            with suppress(RuntimeError):
                lost(None)
