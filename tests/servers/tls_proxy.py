"""TLS before a PostgreSQL that was built without it: answers `SSLRequest`, then passes bytes on."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from typing import Final

_SSL_REQUEST: Final = bytes.fromhex("0000000804d2162f")


@contextmanager
def tls_before(port: int, certificate: Path) -> Iterator[int]:
    """The port of a proxy before this one; the file holds the certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=_serve, args=(client, context, port)).start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with client, suppress(OSError):
        if client.recv(len(_SSL_REQUEST), socket.MSG_WAITALL) != _SSL_REQUEST:
            return
        client.sendall(b"S")
        with (
            context.wrap_socket(client, server_side=True) as wrapped,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            _pass_on(wrapped, server)


def _pass_on(client: ssl.SSLSocket, server: socket.socket) -> None:
    while True:
        ready = [client] if client.pending() else select([client, server], [], [])[0]
        for readable in ready:
            received = readable.recv(65_536)
            if not received:
                return
            (server if readable is client else client).sendall(received)
