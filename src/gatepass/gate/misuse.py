"""Guards that would guard nothing, told where they are written."""

from typing import Final

from gatepass.errors import GuardMisused

_BARE: Final = "a guard is made by a call: write auth.{name}(), with the parentheses"
FORGOTTEN: Final = (
    "a request was refused, and nothing in this application answers that: call {call}"
)
"""What is told where an `Auth` was never installed; the request is a 500 for lack of it."""


def require_call(name: str, given: tuple[object, ...]) -> None:
    """Return when a method that makes guards was called, and not put above a view by itself.

    Raises:
        GuardMisused: It was, as in `@auth.required` without parentheses.
    """
    if given:
        raise GuardMisused(_BARE.format(name=name))
