"""The threads that read a revocation log, started when a check needs them, also after a fork."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

from gatepass._forks import ForkAware, watch_forks
from gatepass.errors import StoreUnavailable
from gatepass.revocations.lease import steady_now
from gatepass.revocations.readers import Reader
from gatepass.revocations.state import CHECK_WAIT_S, ReplicaState

PAUSES_S: Final = (0.0, 0.02, 0.05, 0.1, 0.25)
"""The pauses after the first failed read in a row, the second, and so on; the last repeats."""
_END_S: Final = 1.0


class ReaderThreads(ForkAware):
    """One daemon thread for each partition keeps a `ReplicaState` up to date until `stop`."""

    def __init__(self, state: ReplicaState, new_reader: Callable[[int], Reader]) -> None:
        self._state = state
        self._new_reader = new_reader
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._waiting: dict[SimpleQueue[None], None] = {}
        """Checks that wait for a read; one that is interrupted leaves no lock behind."""
        self._threads: list[threading.Thread] = []
        self._readers: list[Reader] = []
        self._is_ended = False
        watch_forks(self)

    def ensure(self) -> None:
        """Start the threads unless all of them run, or `stop` was called."""
        if self._is_ended or self.is_running():
            return
        with self._lock:
            if self.is_running():
                return
            self._stop.set()
            self._state.begin()
            self._stop = threading.Event()
            self._readers = [self._new_reader(each) for each in range(len(self._state.partitions))]
            threads = [
                threading.Thread(
                    target=self._run,
                    args=(partition, reader, self._stop),
                    name=f"gatepass-revocations-{partition}",
                    daemon=True,
                )
                for partition, reader in enumerate(self._readers)
            ]
            self._threads = threads
            try:
                for thread in threads:
                    thread.start()
            except RuntimeError:  # the system has no more threads, or the program ends
                self._stop.set()
                self._state.fail(0, StoreUnavailable("the system has no more threads"))
            if self._is_ended:  # meanwhile
                self._stop.set()

    def wait(self, session_id: str | None, token_id: str | None) -> None:
        """Wait until the lease for these ids holds, or until a check may wait no longer."""
        longest = steady_now() + CHECK_WAIT_S  # others may put `wait_until` off for ever
        while True:
            told: SimpleQueue[None] = SimpleQueue()
            self._waiting[told] = None
            left = min(self._state.wait_until, longest) - steady_now()
            if left <= 0 or self._is_ended or self._state.covers(session_id, token_id):
                self._waiting.pop(told, None)
                return
            try:
                told.get(timeout=left)
            except Empty:
                self._waiting.pop(told, None)

    def stop(self) -> None:
        """End the threads soon, and start no others."""
        self._is_ended = True
        self._stop.set()

    def join(self) -> None:
        """Wait for the threads to end, for a second at most."""
        until = steady_now() + _END_S
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join(max(until - steady_now(), 0))
        self._wake()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`; threads stay behind in the parent."""
        if in_child:
            for reader in self._readers:
                reader.abandon()
            self._readers, self._threads = [], []
            self._lock, self._waiting = threading.Lock(), {}

    def is_running(self) -> bool:
        """Whether every thread runs."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def _wake(self) -> None:
        """Wake every check that waits."""
        for waiting in list(self._waiting):
            self._waiting.pop(waiting, None)
            waiting.put(None)

    def _run(self, partition: int, reader: Reader, stop: threading.Event) -> None:
        failures = 0
        try:
            while not stop.is_set():
                try:
                    sent = reader.read(self._state.read_wait_of(partition))
                except Exception as error:  # noqa: BLE001 - the lease ends; reading goes on
                    self._state.fail(partition, error)
                else:
                    failures = 0
                    if sent is not None:
                        self._state.read(partition, sent)
                        self._wake()
                    continue
                stop.wait(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
        finally:
            reader.close()
