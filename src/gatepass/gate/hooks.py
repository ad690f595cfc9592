"""The function that an application gives to `Auth`: it checks passwords."""

from collections.abc import Awaitable, Callable

from gatepass.http import Identity

Authenticate = Callable[[str, str], Identity | Awaitable[Identity | None] | None]
"""Takes a user name and a password; `None` means that they do not belong together.

With an event loop, async functions are awaited and plain ones run in a thread.
"""
