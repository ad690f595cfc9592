"""uvicorn's server and its supervisor, which lose no accepted connection when they end.

1. The port closes first, in the supervisor and then in each worker: the system rejects
   clients that come later, and a proxy asks another server.
2. A worker accepts the connections that the kernel holds before it closes the port, since closing
   resets them.
3. Requests under way, and first requests of accepted connections, are answered within the drain
   time: see `Connection.shutdown`.
"""

import asyncio
import logging
import socket
from typing import Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

_log = logging.getLogger("uvicorn.error")
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


class _Worker(Process):
    """A process with a `DrainingServer`."""

    @property
    def server(self) -> uvicorn.Server:
        """See `uvicorn.supervisors.multiprocess.Process`."""
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


class Workers(Multiprocess):
    """A supervisor that replaces workers which ended, and no others.

    uvicorn's kills workers that are silent for a while. On a busy machine that is every worker
    that starts, and signals wait meanwhile.
    """

    def init_processes(self) -> None:
        """See `Multiprocess`."""
        self.processes.extend(self._start() for _ in range(self.processes_num))

    def keep_subprocess_alive(self) -> None:
        """See `Multiprocess`."""
        for index, worker in enumerate(self.processes):
            if worker.process.is_alive():
                continue
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                _log.error("Child process [%s] failed to start, all others end.", worker.pid)
                self.should_exit.set()
                return
            _log.info("Child process [%s] died", worker.pid)
            self.processes[index] = self._start()

    def terminate_all(self) -> None:
        """See `Multiprocess`; as long as this process has the port, clients wait in its queue."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def _start(self) -> Process:
        worker = _Worker(self.config, self.sockets)
        worker.start()
        return worker
