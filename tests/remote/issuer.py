"""An issuer on a real socket that answers with whatever a test wants, octet by octet."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Self

from gatepass import TokenIssuer
from gatepass.jose import SigningKey
from tests.budget import PATIENCE_S

AUDIENCE = "api-client"
Script = Callable[[], Iterable[bytes]]
"""What goes over the socket, piece by piece."""


def reply(
    body: bytes | Mapping[str, Any], status: str = "200 OK", **headers: str
) -> Callable[[], list[bytes]]:
    """One ordinary answer."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(octets)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda: ["\r\n".join([*lines, "", ""]).encode(), octets]


class Issuer:
    """Serves scripts by path, and counts how often each was asked for."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.scripts: dict[str, Script] = {}
        self.sent = 0
        """Octets that went out."""
        self.was_asked = threading.Event()
        self.keys: list[SigningKey] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._is_open = True
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def name(self) -> str:
        """The issuer's `iss`, and where its metadata is looked for."""
        scheme = "http" if self._tls is None else "https"
        host = "127.0.0.1" if self._tls is None else "localhost"
        return f"{scheme}://{host}:{self._listener.getsockname()[1]}"

    @property
    def jwks_url(self) -> str:
        return f"{self.name}/jwks"

    def publish(self, *keys: SigningKey, among: Iterable[object] = (), **headers: str) -> None:
        """Put a good JWKS up, with other entries before its own."""
        self.keys = list(keys)
        entries = [*among, *(key.public().to_jwk() for key in keys)]
        self.scripts["/jwks"] = reply({"keys": entries}, **headers)

    def hold(self, path: str) -> threading.Event:
        """Have the answer at a path wait until the event is set."""
        may_answer = threading.Event()
        good = self.scripts[path]

        def late() -> Iterator[bytes]:
            may_answer.wait(PATIENCE_S)
            yield from good()

        self.scripts[path] = late
        return may_answer

    def token(self, key: SigningKey | None = None, subject: str = "ada") -> str:
        """A good access token of this issuer."""
        signer = key or self.keys[-1]
        issuer = TokenIssuer(signer, issuer=self.name, audience=AUDIENCE, lifetime=600)
        return issuer.issue(subject)

    def close(self) -> None:
        self._is_open = False
        with suppress(OSError):  # wakes accept()
            socket.create_connection(self._listener.getsockname(), 1).close()
        self._accepting.join(PATIENCE_S)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if not self._is_open:
                connection.close()
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                octets = connection.recv(65536)
                if not octets:
                    connection.close()
                    return
                head += octets
            path = head.split(b" ", 2)[1].decode()
            self.heads.append(head.decode())
            self.asked.append(path)
            self.was_asked.set()
            script = self.scripts.get(path, reply(b"", "404 Not Found"))
            for piece in script():
                connection.sendall(piece)
                self.sent += len(piece)
            connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            connection.close()


def drip(octets: bytes, until: threading.Event, pause: float = 0.02) -> Iterator[bytes]:
    """One octet after the other, until the test is over."""
    for octet in octets:
        if until.is_set():
            return
        yield bytes([octet])
        time.sleep(pause)  # the slowness is what is tested
