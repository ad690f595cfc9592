"""Functions that an application gives to `Auth`: checks of passwords, limits on failures."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from gatepass.http import Identity

Authenticate = Callable[[str, str], Identity | Awaitable[Identity | None] | None]
"""Takes a user name and a password; `None` means that they do not belong together.

With an event loop, async functions are awaited and plain ones run in a thread.
"""


class LoginLimit(Protocol):
    """A limit on failed logins; the key is the client's address.

    Logins under way count as failed until they end: otherwise a burst of guesses would all
    begin before the first is known to be wrong. With an event loop both methods may be
    coroutine functions.
    """

    def begin(self, key: str) -> Awaitable[float | None] | float | None:
        """Begin a login of this key; or the seconds until it may try again."""
        ...

    def end(self, key: str, *, failed: bool) -> Awaitable[None] | None:
        """End a login that was begun, and count it if it failed."""
        ...
