"""What a forked child must not take over: locks that are held, and threads that stayed behind."""

import os
from typing import Protocol
from weakref import WeakSet


class ForkAware(Protocol):
    """Waits for threads, and holds locks that they may hold."""

    def after_fork(self) -> None:
        """Make new locks, and forget what is under way: in a child no other thread runs."""
        ...


_watched: WeakSet[ForkAware] = WeakSet()


def watch_forks(holder: ForkAware) -> None:
    """Call the holder's method in every child that is forked while it lives."""
    _watched.add(holder)


def _after_fork() -> None:
    for holder in list(_watched):
        holder.after_fork()


os.register_at_fork(after_in_child=_after_fork)
