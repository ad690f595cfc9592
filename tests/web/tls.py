"""A proxy that ends TLS as one in production does."""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.budget import PATIENCE_S


@contextmanager
def proxying(port: int, certificate: Path) -> Iterator[str]:
    """The https address of a proxy in front of a port of plain http."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            inner = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            headers = {**dict(self.headers.items()), "X-Forwarded-Proto": "https"}
            inner.request(self.command, self.path, self.rfile.read(length), headers)
            response = inner.getresponse()
            body = response.read()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in {"connection", "date", "server", "transfer-encoding"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            inner.close()

        do_GET = do_POST = do_DELETE = do_OPTIONS = answer  # noqa: N815 - the names that the class looks for

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - its name there
            del format

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
