"""What an application plugs into `Auth`: who somebody is, and how often one may fail."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from gatepass.http import Identity

Authenticate = Callable[[str, str], Identity | Awaitable[Identity | None] | None]
"""Takes a user name and a password; `None` means that they do not belong together.

Async functions are awaited, plain ones run in the thread pool.
"""


class LoginLimit(Protocol):
    """A limit on failed log-ins; the key is the client's address."""

    async def check(self, key: str) -> float | None:
        """Seconds until this key may try again; `None` when it may try now."""
        ...

    async def failed(self, key: str) -> None:
        """Count a failed log-in of this key."""
        ...
