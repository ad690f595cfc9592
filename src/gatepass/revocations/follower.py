"""Follows a log in daemon threads, one for each lane, begun when needed, also after a fork."""

import logging
import threading
from queue import Empty, SimpleQueue
from typing import Final

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_now
from gatepass.revocations.readers import Reader, Source
from gatepass.revocations.state import PATIENCE_S, ReplicaState

_LOG: Final = logging.getLogger("gatepass")
PAUSES_S: Final = (0.0, 0.02, 0.05, 0.1, 0.25)
"""How long to wait after the first failure of a row, the second, and so on; then the last again."""
_END_S: Final = 1.0


class Follower(ForkAware):
    """Keeps a `ReplicaState` up to date until it is stopped."""

    def __init__(self, state: ReplicaState, source: Source) -> None:
        self._state = state
        self._source = source
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._waiting: dict[SimpleQueue[None], None] = {}
        """Checks that wait for a read; one that is interrupted leaves no lock behind."""
        self._threads: list[threading.Thread] = []
        self._readers: list[Reader] = []
        self._is_ended = False
        watch_forks(self)

    def ensure(self) -> None:
        """Begin, unless that is done or this was stopped for good; anew where a thread died."""
        if self._is_ended or self.is_followed():
            return
        with self._lock:
            if self.is_followed():
                return
            self._stop.set()
            self._state.begin()
            self._stop = threading.Event()
            self._readers = [self._source.reader(lane) for lane in range(len(self._state.lanes))]
            threads = [
                threading.Thread(
                    target=self._follow,
                    args=(lane, reader, self._stop),
                    name=f"gatepass-revocations-{lane}",
                    daemon=True,
                )
                for lane, reader in enumerate(self._readers)
            ]
            self._threads = threads
            try:
                for thread in threads:
                    thread.start()
            except RuntimeError as error:  # the system has no more threads, or the program ends
                self._stop.set()
                self._state.fail(0, error)
            if self._is_ended:  # meanwhile
                self._stop.set()

    def wait(self, session_id: str | None, token_id: str | None) -> None:
        """Wait until the copy may be believed about these, within the state's patience."""
        longest = steady_now() + PATIENCE_S  # others may put `patient_until` off for ever
        while True:
            told: SimpleQueue[None] = SimpleQueue()
            self._waiting[told] = None
            left = min(self._state.patient_until, longest) - steady_now()
            if left <= 0 or self._is_ended or self._state.covers(session_id, token_id):
                self._waiting.pop(told, None)
                return
            try:
                told.get(timeout=left)
            except Empty:
                self._waiting.pop(told, None)

    def stop(self) -> None:
        """End the threads soon, and begin no others."""
        self._is_ended = True
        self._stop.set()

    def join(self) -> None:
        """Wait for the threads to end, for a second at most."""
        until = steady_now() + _END_S
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join(max(until - steady_now(), 0))
        self._tell()

    def before_fork(self) -> None:
        """See `ForkAware`."""
        self._state.before_fork()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; threads stay behind in the parent."""
        if in_child:
            for reader in self._readers:
                reader.abandon()
            self._readers, self._threads = [], []
            self._lock, self._waiting = threading.Lock(), {}
        self._state.after_fork(in_child=in_child)

    def is_followed(self) -> bool:
        """Whether every thread is at work."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def _tell(self) -> None:
        """Have everybody who waits look again."""
        for waiting in list(self._waiting):
            self._waiting.pop(waiting, None)
            waiting.put(None)

    def _follow(self, lane: int, reader: Reader, stop: threading.Event) -> None:
        try:
            self._read_on(lane, reader, stop)
        finally:
            reader.close()

    def _read_on(self, lane: int, reader: Reader, stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                sent = reader.read(self._state.wait_of(lane))
            except StoreUnavailable as error:
                self._state.fail(lane, error)
            except Exception as error:  # noqa: BLE001 - the lease lapses; reading goes on
                _LOG.exception("a reader of the revocation log failed")
                self._state.fail(lane, error)
            else:
                failures = 0
                if sent is not None:
                    self._state.read(lane, sent)
                    self._tell()
                continue
            stop.wait(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1
