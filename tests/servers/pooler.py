"""A pooler between a store and its servers, in transaction mode: any connection, any server.

Each transaction goes to the next server of a list, over whichever connection to it is free. A
session's settings stay with the server's connection, prepared statements too, and a client
does not notice that a server was replaced.
"""

import contextlib
import socket
import struct
import threading
from itertools import count
from typing import Final

_WHOLE: Final = (b"Q", b"S", b"X")
"""What ends a request: a simple query, `Sync`, or the whole connection."""
_ENCRYPTION: Final = (80877103, 80877104)


class _Peer:
    """One end of a connection, message by message."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self._file = link.makefile("rb")

    def read(self, size: int) -> bytes:
        found = self._file.read(size)
        if len(found) < size:
            raise ConnectionError
        return found

    def startup(self) -> bytes:
        head = self.read(4)
        return head + self.read(struct.unpack("!i", head)[0] - 4)

    def message(self) -> bytes:
        head = self.read(5)
        return head + self.read(struct.unpack("!i", head[1:])[0] - 4)

    def until_ready(self, other: socket.socket | None) -> bytes:
        """Pass on all there is to a request; the transaction's state when it is done."""
        while True:
            message = self.message()
            if other is not None:
                other.sendall(message)
            if message[:1] == b"Z":
                return message[5:]

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        self._file.close()
        self.link.close()


class Pooler:
    """Listens on a free port of 127.0.0.1; `ports` may be changed while it is used."""

    def __init__(self, *ports: int, reset: bytes = b"") -> None:
        self.ports = list(ports)
        self._reset = reset
        """What is asked before each transaction; an empty query tells whether a server is there."""
        self._turn = count()
        self._idle: dict[int, list[_Peer]] = {}
        self._clients: list[_Peer] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def end(self) -> None:
        """Close everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in self._clients:
            client.cut()
        for thread in self._threads:
            thread.join()
        for idle in self._idle.values():
            for server in idle:
                server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = _Peer(self._listener.accept()[0])
                self._clients.append(client)
                self._threads.append(threading.Thread(target=self._serve, args=[client]))
                self._threads[-1].start()

    def _serve(self, client: _Peer) -> None:
        with contextlib.suppress(OSError):
            startup = client.startup()
            while struct.unpack("!i", startup[4:8])[0] in _ENCRYPTION:
                client.link.sendall(b"N")
                startup = client.startup()
            self._connect(self.ports[0], startup, client.link)
            while self._pass_on(client, startup):
                pass
        client.close()

    def _pass_on(self, client: _Peer, startup: bytes) -> bool:
        """One transaction; whether there may be another."""
        request = b""
        server: _Peer | None = None
        port = 0
        try:
            while True:
                message = client.message()
                request += message
                if message[:1] not in _WHOLE:
                    continue
                if message[:1] == b"X":
                    return False
                if server is None:
                    port = self.ports[next(self._turn) % len(self.ports)]
                    server = self._take(port, startup)
                server.link.sendall(request)
                request = b""
                if server.until_ready(client.link) == b"I":
                    self._idle.setdefault(port, []).append(server)
                    server = None
                    return True
        finally:
            if server is not None:
                server.close()

    def _take(self, port: int, startup: bytes) -> _Peer:
        idle = self._idle.setdefault(port, [])
        while idle:
            server = idle.pop(0)
            try:  # one that is gone is not given to anybody
                query = self._reset + b"\0"
                server.link.sendall(b"Q" + struct.pack("!i", 4 + len(query)) + query)
                server.until_ready(None)
            except OSError:
                server.close()
            else:
                return server
        self._connect(port, startup, None)
        return self._take(port, startup)

    def _connect(self, port: int, startup: bytes, client: socket.socket | None) -> None:
        server = _Peer(socket.create_connection(("127.0.0.1", port)))
        try:
            server.link.sendall(startup)
            server.until_ready(client)
        except OSError:
            server.close()
            raise
        self._idle.setdefault(port, []).append(server)
