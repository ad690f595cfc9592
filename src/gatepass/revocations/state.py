"""What a replica knows: the ids held, how long they may be believed, and what is wrong. Pure."""

import logging
import threading
from collections.abc import Sequence
from math import inf
from typing import Final

from gatepass.errors import StoreUnavailable
from gatepass.revocations.alarm import Alarm
from gatepass.revocations.denylist import Denylist
from gatepass.revocations.lease import Lease, steady_ms, steady_now
from gatepass.revocations.staleness import ReplicaStatus, WhenStale
from gatepass.sessions.session import partition_of

_LOG: Final = logging.getLogger("gatepass")
PATIENCE_S: Final = 1.0
"""How long a check that may not ask waits for a first read, or one after a local revocation."""


def _tell(error: Exception) -> str:
    """What others may read of it; only our own sentences are known to hold no secret."""
    return str(error) if isinstance(error, StoreUnavailable) else type(error).__name__


class CutOff(StoreUnavailable):
    """The server answers, but another may have taken over: not even asking it helps."""


class ReplicaState:
    """Shared by whoever reads the log and whoever checks, in any number of threads.

    A part of the log that is read by itself is a lane. There is one, or one per partition.
    """

    def __init__(self, lanes: Sequence[str], max_staleness: float) -> None:
        self.lanes: Final = tuple(lanes)
        self.denylist: Final = Denylist()
        self.lease: Final = Lease(len(lanes), max_staleness)
        self.alarm: Final = Alarm()
        self.wait_s: Final = min(max_staleness / 4, PATIENCE_S / 2)
        """How long a read may wait for news, so that the next ones renew the lease in time, and
        a check that waits after a local revocation gets its read."""
        self._lock = threading.Lock()
        self._down_since: dict[int, float] = {}
        self._cut_off: set[int] = set()
        self._why_down: str | None = None
        self.patient_until = 0.0
        """Until when it is worth waiting for a read rather than giving up."""

    def lanes_of(self, session_id: str | None, token_id: str | None) -> set[int]:
        """The lanes that can tell whether these are revoked."""
        if len(self.lanes) == 1:
            return {0}
        return {partition_of(each) for each in (session_id, token_id) if each is not None}

    def until_of(self, session_id: str | None, token_id: str | None) -> float:
        """Until when the copy may be believed about these."""
        return min(map(self.lease.until_of, self.lanes_of(session_id, token_id)), default=inf)

    def covers(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the copy may be believed about these right now."""
        return steady_now() < self.until_of(session_id, token_id)

    def judge(self, session_id: str | None, token_id: str | None) -> bool | None:
        """Whether these are revoked; `None`: the copy cannot tell.

        Until when to believe is asked first, so that a read that ends meanwhile vouches for
        nothing that was looked up before, and the clock last, in case this process sleeps.
        """
        until = self.until_of(session_id, token_id)
        if self.denylist.is_held(session_id, token_id):
            return True
        return False if steady_now() < until else None

    def may_ask(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the store's own word about these can be relied on."""
        return self._cut_off.isdisjoint(self.lanes_of(session_id, token_id))

    def wait_of(self, lane: int) -> float:
        """How long the next read of a lane may wait for news: not at all while it is stale."""
        return self.wait_s if self.lease.covers(lane, steady_now()) else 0.0

    def read(self, lane: int, sent: float) -> None:
        """A lane was read completely by what was sent off at this moment."""
        with self._lock:
            self.lease.renew(lane, sent)
            self._cut_off.discard(lane)
            since = self._down_since.pop(lane, None)
        if since is not None:
            down = steady_now() - since
            _LOG.warning(
                "the revocation log is read again: %s after %.1f s", self.lanes[lane], down
            )

    def fail(self, lane: int, error: Exception) -> None:
        """A lane could not be read."""
        with self._lock:
            is_first = lane not in self._down_since
            self._down_since.setdefault(lane, steady_now())
            self._why_down = _tell(error)
            if isinstance(error, CutOff):
                self._cut_off.add(lane)
        if is_first:
            _LOG.warning(
                "the revocation log cannot be read: %s: %s", self.lanes[lane], _tell(error)
            )

    def begin(self) -> None:
        """Somebody begins to read."""
        self.patient_until = steady_now() + PATIENCE_S

    def before_fork(self) -> None:
        """See `ForkAware`."""
        self.denylist.before_fork()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; in a child nobody reads yet and nothing is down."""
        self.denylist.after_fork(in_child=in_child)
        if in_child:
            self._lock = threading.Lock()
            self._down_since = {}
            self.lease.lapse()

    def revoked(self, kind: str, identifier: str) -> None:
        """Refuse at once what was revoked by this very process."""
        self.denylist.hold(kind, identifier, steady_ms())

    def revoked_many(self) -> None:
        """Believe only what is read from now on: this process has revoked some."""
        at = steady_now()
        with self._lock:
            self.lease.void(at)
            self.patient_until = at + PATIENCE_S

    def status(self, when_stale: WhenStale) -> ReplicaStatus:
        """How it is at this moment."""
        at = steady_now()
        lanes = range(len(self.lanes))
        stale = [lane for lane in lanes if not self.lease.covers(lane, at)]
        down = list(self._down_since.items())
        return ReplicaStatus(
            is_fresh=not stale,
            age=max(self.lease.age(lane, at) for lane in lanes),
            entries=len(self.denylist),
            stale_for={self.lanes[lane]: self.lease.stale_for(lane, at) for lane in stale},
            down_for={self.lanes[lane]: at - since for lane, since in down},
            why_down=self._why_down if down else None,
            losses=self.alarm.count,
            when_stale=when_stale,
        )
