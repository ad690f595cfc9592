"""What an application plugs into `Auth`: who somebody is, and how often one may fail."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from gatepass.http import Identity

Authenticate = Callable[[str, str], Identity | Awaitable[Identity | None] | None]
"""Takes a user name and a password; `None` means that they do not belong together.

Async functions are awaited, plain ones run in the thread pool.
"""


class LoginLimit(Protocol):
    """A limit on failed log-ins; the key is the client's address.

    Log-ins under way count as failed until they end: otherwise a burst of guesses would all
    begin before the first is known to be wrong.
    """

    async def begin(self, key: str) -> float | None:
        """Begin a log-in of this key; or the seconds until it may try again."""
        ...

    async def end(self, key: str, *, failed: bool) -> None:
        """End a log-in that was begun, and count it if it failed."""
        ...
