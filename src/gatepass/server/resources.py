"""Limits of file descriptors and connections, and the log line when they are used up."""

import asyncio
import errno
import resource
from dataclasses import dataclass
from typing import Any, Final

import structlog

_log = structlog.stdlib.get_logger(__name__)

_MOST: Final = 65_536
"""File descriptors to request; with a limit of millions, child processes start slowly."""
_FILES: Final = 128
"""Descriptors kept for databases, logs and threads that open a file for a moment."""
_IN_FLIGHT: Final = 2
"""Backlogs that can be accepted before the first of their connections is closed."""
_MAX_BACKLOG: Final = 100
_MAX_CONNECTIONS: Final = 2_000
_USED_UP: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_SILENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Resources:
    """How many connections fit into one process."""

    backlog: int
    """How many may wait to be accepted; asyncio accepts as many in one go."""
    connections: int


def claim_resources() -> Resources:
    """Take as many file descriptors as this process may have; the connections that fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return fit(_MOST if soft == resource.RLIM_INFINITY else soft)


def fit(descriptors: int) -> Resources:
    """The connections that fit into this many file descriptors (pure)."""
    backlog = min(max(descriptors // 8, 4), _MAX_BACKLOG)
    connections = descriptors - _FILES - _IN_FLIGHT * backlog
    return Resources(backlog, min(max(connections, 16), _MAX_CONNECTIONS))


def quieten(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop log once a minute, and not each time, that nothing can be opened.

    asyncio accepts again after a second; until then it reports every connection in the backlog.
    """
    silent_until = loop.time()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal silent_until
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _USED_UP):
            loop.default_exception_handler(context)
        elif loop.time() >= silent_until:
            silent_until = loop.time() + _SILENCE_S
            _log.error("out of file descriptors", cause=errno.errorcode[error.errno or 0])

    loop.set_exception_handler(handle)
