"""Await a value where it is awaitable: one piece of code for both kinds of callers.

A route is a coroutine. Over a sync manager it never waits, so the caller can run it to its end
without a loop.
"""

from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def settle(value: Awaitable[T] | T) -> T:
    """The value, awaited if it is awaitable."""
    return await value if isinstance(value, Awaitable) else value


def run_in_place(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing.

    Raises:
        TypeError: The coroutine waits: something async was given where there is no event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise TypeError("something async was given to an Auth without an event loop")
