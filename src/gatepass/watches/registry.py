"""The open connections of a process, by session and by token. Pure but for its lock.

1. A watch is registered first. Then its verifier looks the session and the token up once more. A
   revocation before that look-up is found by it, and any later one finds the watch here.
2. A log reader or a store of this process that takes in a revocation makes checks see it first
   and calls `end_all` second. So by rule 1 no revocation falls between.
3. `end_all` finds the watches of an id in a dictionary, and ends these and no others.
4. A watch ends once. The first reason counts, under the lock, which also takes the watch out of
   the registry. Its task or callback is told after the lock was left.
5. A forked child watches nothing: the connections stay with the parent.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from math import inf
from typing import Any, Final, Protocol, TypeVar

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import GatepassError, SettingsRejected, TokenRevoked

T = TypeVar("T")

NOT_INSIDE: Final = "the block of this watch is not entered, or was left"

Steps = Generator[Callable[[], Any], Any, T]
"""Yields calls, which may wait or have to be awaited; is sent their answers or exceptions."""


class Terms(Protocol):
    """The rules of the verifier that claims came from."""

    def keys(self) -> Any:
        """The key set of this moment, or a call that fetches it and may wait or be awaited.

        Raises:
            KeysUnavailable: No keys are in force.
        """
        ...

    def horizon(self) -> float:
        """The `exp` of tokens that expire at this moment."""
        ...

    def refusal(self, claims: Any, keys: Any) -> GatepassError | None:
        """The error for claims that have expired or whose key has left; keys may be `None`."""
        ...

    def require(self, claims: Any) -> None:
        """Raise the refusal of this moment, if there is one."""
        ...

    def require_live(self, verdict: object) -> None:
        """Raise unless this verdict of `is_revoked` lets the token in."""
        ...


class Watched(ABC):
    """One open connection; the registry fills `error`, at most once."""

    __slots__ = ("__weakref__", "claims", "error", "is_open", "loop", "terms")
    claims: Any
    terms: Terms
    loop: Any
    """The event loop of the connection; `None`: it is a thread's."""
    error: GatepassError | None
    is_open: bool
    """Whether the connection's block has begun, so that its end is delivered."""

    @abstractmethod
    def deliver(self) -> None:
        """Tell the connection that it is over, from any thread."""


class Group:
    """The watches of one verifier on one event loop."""

    __slots__ = ("fetching", "keys", "loop", "soonest", "terms", "watches")

    def __init__(self, loop: Any, terms: Terms) -> None:
        self.loop = loop
        self.terms = terms
        self.keys: Any = None
        """The key set that all of them were last compared with; `None` before the first one."""
        self.fetching: Any = None
        """The future of the keys that are fetched."""
        self.soonest = inf
        """No `exp` is earlier."""
        self.watches: set[Watched] = set()


class Registry(ForkAware):
    """Every watch on one source of revocations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed: GatepassError | None = None
        self._groups: dict[tuple[Any, Terms], Group] = {}
        self._by_id: dict[tuple[str, str], tuple[Watched, ...]] = {}
        watch_forks(self)

    def __len__(self) -> int:
        return len(self.held())

    def held(self) -> list[Watched]:
        """All watches of this moment."""
        with self._lock:
            return [watch for group in self._groups.values() for watch in group.watches]

    def add(self, watch: Watched) -> None:
        """Register a watch.

        Raises:
            StoreUnavailable: The source was closed.
        """
        with self._lock:
            if self._closed is not None:
                raise self._closed
            self._put(watch)

    def discard(self, watch: Watched) -> None:
        """Forget a watch, whose block was left."""
        with self._lock:
            self._take_out(watch)

    def open(self, watch: Watched) -> None:
        """Deliver the end of this watch from now on.

        Raises:
            GatepassError: The connection is over already.
        """
        with self._lock:
            watch.is_open = True
        if watch.error is not None:
            raise watch.error

    def renew(self, watch: Watched, claims: Any) -> None:
        """Have the watch hold by these claims.

        Raises:
            GatepassError: The connection is over already.
            RuntimeError: The block was not entered, or was left.
        """
        with self._lock:
            if watch.error is not None:
                raise watch.error
            if not self._take_out(watch):
                raise RuntimeError(NOT_INSIDE)
            watch.claims = claims
            self._put(watch)

    def end_all(self, entries: Iterable[tuple[str, str] | tuple[str, str, int]]) -> None:
        """End the watches of revoked ids: kind (`s`: session, `t`: token), id, anything else."""
        if self._by_id:
            for entry in entries:
                for watch in self._by_id.get(entry[:2], ()):
                    self.over(watch, TokenRevoked())

    def look_up(self, is_revoked: Callable[[str | None, str | None], bool]) -> Steps[None]:
        """Look each watch up in memory, and end those that were revoked."""
        yield from ()
        for watch in self.held():
            if is_revoked(watch.claims.session_id, watch.claims.token_id):
                self.over(watch, TokenRevoked())

    def over(self, watch: Watched, error: GatepassError) -> None:
        """End a watch, unless it has ended before."""
        with self._lock:
            if watch.error is not None or not self._take_out(watch):
                return
            watch.error = error
            is_open = watch.is_open
        if is_open:
            watch.deliver()

    def close(self, error: GatepassError) -> None:
        """End all watches and take no others."""
        self._closed = error
        for watch in self.held():
            self.over(watch, error)

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            self._lock = threading.Lock()
            self._groups, self._by_id = {}, {}

    def _put(self, watch: Watched) -> None:
        where = watch.loop, watch.terms
        group = self._groups.setdefault(where, Group(*where))
        group.watches.add(watch)
        group.soonest = min(watch.claims.expires_at, group.soonest)
        for key in _keys_of(watch):
            self._by_id[key] = (*self._by_id.get(key, ()), watch)

    def _take_out(self, watch: Watched) -> bool:
        """Whether it was registered."""
        group = self._groups.get((watch.loop, watch.terms))
        if group is None or watch not in group.watches:
            return False
        group.watches.discard(watch)
        if not group.watches:
            del self._groups[watch.loop, watch.terms]
        for key in _keys_of(watch):
            rest = tuple(each for each in self._by_id[key] if each is not watch)
            if rest:
                self._by_id[key] = rest
            else:
                del self._by_id[key]
        return True


def watches_of(revocations: object) -> Registry:
    """The watches on a source of revocations.

    Raises:
        SettingsRejected: The source does not follow the log.
    """
    watches = getattr(revocations, "watches", None)
    if not isinstance(watches, Registry):
        raise SettingsRejected(
            "watch needs a replica, which follows the log: pass revocations=replica_of(store)"
        )
    return watches


def _keys_of(watch: Watched) -> list[tuple[str, str]]:
    ids = (("s", watch.claims.session_id), ("t", watch.claims.token_id))
    return [(kind, identifier) for kind, identifier in ids if identifier is not None]
