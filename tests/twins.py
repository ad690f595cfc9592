"""One test for both twins: an async object driven as if it were sync."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any


class Driven:
    """An async object whose coroutines run to their end on a loop of its own."""

    def __init__(self, driven: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.driven = driven
        self.loop = loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.driven, name)
        return self._run(value) if inspect.iscoroutinefunction(value) else value

    def _run(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            return self.loop.run_until_complete(function(*args, **options))

        return call
