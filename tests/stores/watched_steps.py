"""The steps of a store's operation, with something done before each."""

from collections.abc import Callable
from typing import Any

from gatepass.stores.redis.wire import Exchange, Lost, Pause, Steps


def watched(steps: Steps[Any], hook: Callable[[Exchange | Pause], None]) -> Steps[Any]:
    """The steps, with something done before each."""
    try:
        step = next(steps)
        while True:
            hook(step)
            try:
                answer = yield step
            except Lost as lost:
                step = steps.throw(lost)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        return stop.value
