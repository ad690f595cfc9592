"""Whoever holds connections or threads is told of a fork: a child has no use for the parent's."""

import os
import threading
from typing import Final, Protocol
from weakref import WeakSet


class ForkAware(Protocol):
    """Holds connections, and locks around them."""

    def before_fork(self) -> None:
        """Wait for what is under way, close every connection, keep others from opening one."""

    def after_fork(self, *, in_child: bool) -> None:
        """Let others in again; in the child with new locks, since their holders stayed behind."""


class _Forks:
    """Everything that is told of a fork; one fork at a time."""

    def __init__(self) -> None:
        self.watched: Final[WeakSet[ForkAware]] = WeakSet()
        self.one = threading.Lock()

    def before(self) -> None:
        self.one.acquire()
        for holder in list(self.watched):
            holder.before_fork()

    def after_in_parent(self) -> None:
        for holder in list(self.watched):
            holder.after_fork(in_child=False)
        self.one.release()

    def after_in_child(self) -> None:
        self.one = threading.Lock()
        for holder in list(self.watched):
            holder.after_fork(in_child=True)


_FORKS: Final = _Forks()
os.register_at_fork(
    before=_FORKS.before,
    after_in_parent=_FORKS.after_in_parent,
    after_in_child=_FORKS.after_in_child,
)


def watch_forks(holder: ForkAware) -> None:
    """Call the holder's methods around every fork for as long as it lives."""
    with _FORKS.one:  # not while a fork is under way: it goes through the set
        _FORKS.watched.add(holder)
