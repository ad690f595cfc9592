"""The state of a replica: the ids held, the leases and the failures. Pure but for its clock."""

import logging
import threading
from collections.abc import Sequence
from math import inf
from typing import Final

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.revocations.alarm import Alarm
from gatepass.revocations.denylist import Denylist
from gatepass.revocations.lease import Lease, steady_ms, steady_now
from gatepass.revocations.staleness import ReplicaStatus, WhenStale
from gatepass.sessions.session import partition_of

_LOG: Final = logging.getLogger("gatepass")
CHECK_WAIT_S: Final = 1.0
"""The longest wait of a check for the first read, or for one after a local revocation."""


def _describe(error: Exception) -> str:
    """The error for logs and metrics: only our own sentences are known to hold no secret."""
    return str(error) if isinstance(error, StoreUnavailable) else type(error).__name__


class CutOff(StoreUnavailable):
    """The server answers, but another may have taken over, so that its answers do not count."""


class ReplicaState(ForkAware):
    """Shared by the readers of the log and by checks, in any number of threads.

    Each reader reads one partition of the log. There is one partition, or on a Redis Cluster
    one for each hash tag.
    """

    def __init__(self, partitions: Sequence[str], max_staleness: float) -> None:
        self.partitions: Final = tuple(partitions)
        """Their names, for logs and metrics."""
        self.denylist: Final = Denylist()
        self.lease: Final = Lease(len(partitions), max_staleness)
        self.alarm: Final = Alarm()
        self._read_wait_s = min(max_staleness / 4, CHECK_WAIT_S / 2)
        """The longest wait of a read for new entries: the next reads still renew the lease in
        time, and a check that waits after a local revocation gets its read."""
        self._lock = threading.Lock()
        self._down_since: dict[int, float] = {}
        self.cut_off: set[int] = set()
        """Partitions about which the answers of the server do not count."""
        self._why_down: str | None = None
        self.wait_until = 0.0
        """Until this moment a check may wait for a read rather than fail."""
        watch_forks(self)

    def until_of(self, session_id: str | None, token_id: str | None) -> float:
        """The end of the lease for these ids."""
        return min(map(self.lease.until_of, self.partitions_of(session_id, token_id)), default=inf)

    def covers(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the lease for these ids holds now."""
        return steady_now() < self.until_of(session_id, token_id)

    def judge(self, session_id: str | None, token_id: str | None) -> bool | None:
        """Whether these are revoked, `None` if the copy is stale; in the order of lease rule 7."""
        until = self.until_of(session_id, token_id)
        if self.denylist.is_held(session_id, token_id):
            return True
        return False if steady_now() < until else None

    def may_ask(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the store's own answer about these counts."""
        return self.cut_off.isdisjoint(self.partitions_of(session_id, token_id))

    def read_wait_of(self, partition: int) -> float:
        """Seconds that the next read may wait for new entries; 0 while the partition is stale."""
        return self._read_wait_s if self.lease.covers(partition, steady_now()) else 0.0

    def read(self, partition: int, sent: float) -> None:
        """Note that a read sent at this moment was complete."""
        with self._lock:
            self.lease.renew(partition, sent)
            self.cut_off.discard(partition)
            since = self._down_since.pop(partition, None)
        if since is not None:
            name, down = self.partitions[partition], steady_now() - since
            _LOG.warning("the revocation log is read again: %s after %.1f s", name, down)

    def fail(self, partition: int, error: Exception) -> None:
        """Note that a partition could not be read; reading goes on, and the lease may end."""
        if not isinstance(error, StoreUnavailable):
            _LOG.error("a reader of the revocation log failed", exc_info=error)
        with self._lock:
            is_first = partition not in self._down_since
            self._down_since.setdefault(partition, steady_now())
            self._why_down = _describe(error)
            if isinstance(error, CutOff):
                self.cut_off.add(partition)
        if is_first:
            name = self.partitions[partition]
            _LOG.warning("the revocation log cannot be read: %s: %s", name, _describe(error))

    def begin(self) -> None:
        """Note that readers start: checks may wait for the first read."""
        self.wait_until = steady_now() + CHECK_WAIT_S

    def before_fork(self) -> None:
        """See `ForkAware`."""
        self.denylist.before_fork()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; in a child no reader runs yet and nothing is down."""
        self.denylist.after_fork(in_child=in_child)
        if in_child:
            self._lock = threading.Lock()
            self._down_since = {}
            self.lease.lapse()

    def revoked(self, kind: str, identifier: str) -> None:
        """Hold an id that this process has revoked, before any read returns it."""
        self.denylist.hold(kind, identifier, steady_ms())

    def revoked_many(self) -> None:
        """Count only reads from now on: this process has revoked ids that it does not know."""
        at = steady_now()
        with self._lock:
            self.lease.void(at)
            self.wait_until = at + CHECK_WAIT_S

    def status(self, when_stale: WhenStale) -> ReplicaStatus:
        """The state at this moment, for readiness and metrics."""
        at = steady_now()
        numbers = range(len(self.partitions))
        stale = [number for number in numbers if not self.lease.covers(number, at)]
        down = list(self._down_since.items())
        return ReplicaStatus(
            is_fresh=not stale,
            age=max(self.lease.age(number, at) for number in numbers),
            entries=len(self.denylist),
            stale_for={
                self.partitions[number]: self.lease.stale_for(number, at) for number in stale
            },
            down_for={self.partitions[number]: at - since for number, since in down},
            why_down=self._why_down if down else None,
            losses=self.alarm.count,
            when_stale=when_stale,
        )

    def partitions_of(self, session_id: str | None, token_id: str | None) -> set[int]:
        """The partitions whose entries decide about these ids."""
        if len(self.partitions) == 1:
            return {0}
        return {partition_of(each) for each in (session_id, token_id) if each is not None}
