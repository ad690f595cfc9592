"""One piece of code for callers with and without an event loop.

A route is a coroutine. Over a sync manager it never has anything to wait for, so that it can be
run to its end in place.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class CallPlain(Protocol):
    """How a function of the application is called that may block."""

    def __call__(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """What the function returns, or an awaitable of it."""
        ...


async def settle(value: Awaitable[T] | T) -> T:
    """The value, once it is there."""
    return await value if isinstance(value, Awaitable) else value


def run_in_place(steps: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing.

    Raises:
        TypeError: It does wait: something async was given where there is no event loop.
    """
    try:
        steps.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    steps.close()
    raise TypeError("something async was given to an Auth without an event loop")


def call_here(function: Callable[..., Any], /, *args: Any) -> Any:
    """Call it where we are."""
    return function(*args)


def call_in_thread(function: Callable[..., Any], /, *args: Any) -> Any:
    """Call a coroutine function on the loop, and any other in a thread."""
    if inspect.iscoroutinefunction(function):
        return function(*args)
    return asyncio.to_thread(function, *args)
