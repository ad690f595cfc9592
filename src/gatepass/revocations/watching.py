"""A replica's part in each tick of its watches: whether the copy still vouches for them. Pure.

1. The copy vouches for an id until `max_staleness` seconds after the sending of the last complete
   read of its partition. A revocation by this process (`Lease.void`) changes nothing about that:
   the next read returns it, in time.
2. Behind that moment `ASK` asks the store, once for all watches of the partitions that are stale.
   An answer vouches for as long as a read does, and is fetched again after half of that time.
3. When nothing vouches any more, the watches end with the code of `StoreUnavailable`. With
   `ACCEPT_TOKENS_THAT_MAY_BE_REVOKED` they go on.
"""

from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from typing import Any, Final

from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_now
from gatepass.revocations.staleness import WhenStale
from gatepass.revocations.state import ReplicaState
from gatepass.watches import Steps, Watched, Watches

STALE: Final = "the copy of the revocation log is out of date"


class Vouching:
    """Looks, for a replica, after the watches that its copy does not vouch for."""

    def __init__(
        self,
        store: Any,
        state: ReplicaState,
        ensure: Callable[[], None],
        max_staleness: float,
        when_stale: WhenStale,
    ) -> None:
        self._store = store
        self._state = state
        self._ensure = ensure
        self._max_staleness = max_staleness
        self._when_stale = when_stale
        self._asked = [-inf] * len(state.partitions)
        """For each partition, when the last question was sent that the store has answered."""
        self.watches = Watches(self.look)

    def look(self) -> Steps[None]:
        """Ask the store if need be, and end what nothing vouches for."""
        self._ensure()
        if self._when_stale is WhenStale.ACCEPT_TOKENS_THAT_MAY_BE_REVOKED:
            return
        at = steady_now()
        stale = self._stale(at)
        if not stale:
            return
        if self._when_stale is WhenStale.ASK:
            due = {each for each in stale if self._asked[each] + self._max_staleness / 2 <= at}
            yield from self._ask(due - self._state.cut_off, at)
            at = steady_now()
        lost = {each for each in self._stale(at) if self._asked[each] + self._max_staleness <= at}
        for watch in self._of(lost):
            self.watches.over(watch, StoreUnavailable(STALE))

    def _stale(self, at: float) -> set[int]:
        lease = self._state.lease
        numbers = range(len(self._asked))
        return {each for each in numbers if lease.age(each, at) >= self._max_staleness}

    def _of(self, partitions: set[int]) -> Iterable[Watched]:
        """The watches that these partitions decide about."""
        if not partitions:
            return []
        of = self._state.partitions_of
        return [
            watch
            for watch in self.watches.held()
            if not partitions.isdisjoint(of(watch.claims.session_id, watch.claims.token_id))
        ]

    def _ask(self, partitions: set[int], at: float) -> Steps[None]:
        claims = [watch.claims for watch in self._of(partitions)]
        if not claims:
            return
        sessions = {each.session_id for each in claims} - {None}
        tokens = {each.token_id for each in claims if "\0" not in (each.token_id or "")} - {None}
        steps = self._store.work.find_revoked(sorted(sessions), sorted(tokens))
        found = yield partial(self._store.run, steps)
        if not isinstance(found, Exception):
            for each in partitions:
                self._asked[each] = at
            self.watches.end_all(found)
