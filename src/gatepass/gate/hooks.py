"""Functions that an application gives to `Auth`: they check and change passwords."""

from collections.abc import Awaitable, Callable

from gatepass.http import Identity

Authenticate = Callable[[str, str], Identity | Awaitable[Identity | None] | None]
"""Takes a user name and a password; `None` means that they do not belong together.

With an event loop, async functions are awaited and plain ones run in a thread.
"""

ChangePassword = Callable[[str, str, str], Awaitable[bool] | bool]
"""Takes the subject, the current and the new password, and keeps the new one durably.

`False`: the current password is wrong, and nothing has changed. `True` also where the new password
holds already, so that a change whose answer was lost can be repeated. It raises `PasswordRejected`
with a sentence for the user if the new password breaks a rule. With an event loop, async functions
are awaited and plain ones run in a thread.
"""
