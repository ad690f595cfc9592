"""An application behind a proxy: it answers with what reached it, over http or a websocket."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT_FRAME: Final = 0x81


class Echo(ThreadingHTTPServer):
    """Counts its requests."""

    daemon_threads = True
    reached = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Echo

    def _answer(self) -> None:
        self.server.reached += 1
        subject = ",".join(self.headers.get_all("X-Auth-Subject", []))
        if self.headers.get("Upgrade") == "websocket":
            self._accept(subject.encode())
            return
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = [[name.lower(), value] for name, value in self.headers.items()]
        told = {"method": self.command, "target": self.path, "headers": headers, "body": sent}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - http.server's names

    def _accept(self, text: bytes) -> None:
        """Open a websocket and send one text (RFC 6455 §4.2.2)."""
        digest = hashlib.sha1(self.headers["Sec-WebSocket-Key"].encode() + _GUID).digest()  # noqa: S324 - the protocol's
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.wfile.write(bytes([_TEXT_FRAME, len(text)]) + text)
        self.rfile.read(1)  # until the client closes
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def echo() -> Iterator[Echo]:
    """The application, on a port of its own."""
    with Echo(("127.0.0.1", 0), _Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
