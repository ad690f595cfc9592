"""Tells the holders of locks, threads and connections of every fork of the process."""

import os
import threading
from typing import Final
from weakref import WeakSet


class ForkAware:
    """A holder of locks, threads or connections that a forked child must not use."""

    def before_fork(self) -> None:
        """Get ready: wait for operations that a fork would cut in half, and start no more."""

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; in the child with new locks, because no other thread exists there."""


_watched: Final[WeakSet[ForkAware]] = WeakSet()
under_way: Final = threading.Lock()
"""Held while a fork is under way: one at a time."""


def _before() -> None:
    for holder in list(_watched):
        holder.before_fork()


def _after_in_parent() -> None:
    for holder in list(_watched):
        holder.after_fork(in_child=False)


def _after_in_child() -> None:
    for holder in list(_watched):
        holder.after_fork(in_child=True)


os.register_at_fork(
    before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
)
# The last registered is called first before a fork and last after it. They are C functions: a
# Python hook that a signal handler's exception ends would leave the lock taken.
os.register_at_fork(
    before=under_way.acquire,
    after_in_parent=under_way.release,
    after_in_child=under_way._at_fork_reinit,  # type: ignore[attr-defined] # noqa: SLF001 (as in the standard library)
)


def watch_forks(holder: ForkAware) -> None:
    """Call the holder's methods around every fork for as long as it lives."""
    with under_way:  # not while a fork is under way: it goes through the set
        _watched.add(holder)
