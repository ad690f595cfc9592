"""A server that says one and the same thing to everybody: nothing a store can be used on."""

import contextlib
import socket
import threading
from collections.abc import Iterator

_CHUNK = 65_536


@contextlib.contextmanager
def stranger(reply: bytes) -> Iterator[int]:
    """The port of a server with this reply to each command of Redis."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=[listener, reply], daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, reply: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=[client, reply], daemon=True).start()


def _serve(client: socket.socket, reply: bytes) -> None:
    with client, contextlib.suppress(OSError):
        while request := client.recv(_CHUNK):
            client.sendall(reply * (1 + request.count(b"\r\n*")))
