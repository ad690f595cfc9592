"""Connections of an event loop that was closed, or of the parent process, are let go of here.

Their transports cannot be asked to close any more: that would need their loop.
"""

from contextlib import suppress
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection

_ABANDONED: Final[list[AbstractConnection]] = []
"""What belongs to the parent: closing it here would disturb the selector that both share."""


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
