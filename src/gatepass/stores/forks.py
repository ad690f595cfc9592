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
# the last registered is the first called before and the last after; written in C, so that no
# signal handler comes between: one that raises in a hook of Python ends that hook
os.register_at_fork(
    before=under_way.acquire,
    after_in_parent=under_way.release,
    after_in_child=under_way._at_fork_reinit,  # type: ignore[attr-defined] # noqa: SLF001 (as in the standard library)
)


def watch_forks(holder: ForkAware) -> None:
    """Call the holder's methods around every fork for as long as it lives."""
    with under_way:  # not while a fork is under way: it goes through the set
        _watched.add(holder)
