"""The server process, and the supervisor of several: neither loses an accepted connection.

1. The port closes first, in the supervisor and then in each worker: the system rejects
   clients that come later, and a proxy asks another server.
2. A worker accepts the connections that the kernel holds before it closes the port, since closing
   resets them.
3. Requests under way, and first requests of accepted connections that begin within a second, are
   answered within the drain time: see `Connection.shutdown`.
4. Workers end by themselves when the supervisor was killed: they would keep the port otherwise.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from multiprocessing import get_context, parent_process
from multiprocessing.context import SpawnProcess
from typing import Any, Final

import structlog
import uvicorn

from gatepass.errors import GatepassError, StoreUnavailable
from gatepass.server.scraping import WorkersMetrics, write_as

_log = structlog.stdlib.get_logger(__name__)
_NEVER_STARTED: Final = 3
"""The exit status of a worker that never served; uvicorn's too."""
_PAUSE_S: Final = 2.0
"""Seconds for which a worker waits whose database does not answer, before another one tries."""
_LOOK_S: Final = 0.1
"""Seconds between two looks of the supervisor at its workers, and at whether a signal came."""
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_TURNS: Final = 2
"""Turns of the loop in which asyncio makes a transport for a connection that it has accepted."""
_MOST_QUEUED: Final = 1_000


class DrainingServer(uvicorn.Server):
    """A server that accepts all connections of the kernel's queue before it closes the port."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        loop = asyncio.get_running_loop()
        for listener in sockets or ():
            loop.remove_reader(listener)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for listener in sockets or ():
            await self._accept_queued(listener)
        for server in self.servers:
            server.close()
        await super().shutdown(sockets)

    async def _accept_queued(self, listener: socket.socket) -> None:
        for _ in range(_MOST_QUEUED):
            try:
                connection, _address = listener.accept()
            except OSError:  # the queue is empty, or there are no descriptors
                return
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make_protocol, connection
            )

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


class Workers:
    """Several server processes over one listening socket; one that ends is replaced.

    A worker that is only silent stays: on a busy machine that is every worker that starts.
    """

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, metrics: WorkersMetrics | None = None
    ) -> None:
        """Take the configuration, whose `workers` says how many processes there are."""
        self._config, self._listener, self._metrics = config, listener, metrics
        self._is_ending = False
        self.processes: list[SpawnProcess] = []

    def run(self) -> None:
        """Serve until a signal ends it.

        Raises:
            StoreUnavailable: A worker could not start; its own log lines say why.
        """
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wishes
                signal.signal(number, self._note_signal)
        try:
            self.start()
            while not self._is_ending:
                self.replace()
                time.sleep(_LOOK_S)
        finally:
            self.end()
            for process in self.processes:
                process.join()

    def start(self) -> None:
        """Start all processes."""
        self.processes.extend(self._start(slot) for slot in range(self._config.workers))

    def replace(self) -> None:
        """Start a process for each that has ended.

        Raises:
            StoreUnavailable: A worker could not start.
        """
        for slot, process in enumerate(self.processes):
            if process.exitcode == _NEVER_STARTED:
                raise StoreUnavailable("a worker could not start, so the server ends")
            if process.exitcode is not None:
                _log.warning("worker ended, another one starts", status=process.exitcode)
                if self._metrics is not None:
                    self._metrics.replaced(slot)
                self.processes[slot] = self._start(slot)

    def end(self) -> None:
        """Close the port and tell all processes to end.

        As long as this process has the port, the system queues connections that nobody serves.
        """
        self._listener.close()
        for process in self.processes:
            process.terminate()

    def _note_signal(self, *_: object) -> None:
        # An `Event` has a lock, which a signal at the wrong moment would wait for without end.
        self._is_ending = True

    def _start(self, slot: int) -> SpawnProcess:
        number = None if self._metrics is None else slot
        process = get_context("spawn").Process(
            target=_serve, args=(self._config, self._listener, number)
        )
        process.start()
        return process


def _serve(config: uvicorn.Config, listener: socket.socket, slot: int | None) -> None:
    """The whole life of a worker; with metrics in this slot."""
    if slot is not None:
        write_as(slot)
    threading.Thread(target=_end_with_supervisor, name="gatepass-supervisor", daemon=True).start()
    server = DrainingServer(config)
    try:
        with contextlib.suppress(KeyboardInterrupt):  # raised again after an orderly end
            server.run([listener])
    except StoreUnavailable as error:
        sys.stderr.write(f"gatepass: a worker cannot start yet: {error}\n")
        time.sleep(_PAUSE_S)
        sys.exit(1)
    except GatepassError as error:
        sys.stderr.write(f"gatepass: a worker cannot start: {error}\n")
    if not server.started:
        sys.exit(_NEVER_STARTED)


def _end_with_supervisor() -> None:
    """Wait for the end of the supervisor, then end this worker as the supervisor would have."""
    supervisor = parent_process()
    assert supervisor is not None  # noqa: S101 - a worker is started by `Workers`
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)
