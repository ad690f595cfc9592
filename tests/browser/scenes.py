"""Services that a real browser reaches, in development and over TLS, and pages elsewhere."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.server.running import free_port
from tests.servers.certificates import write_certificate
from tests.web.apps.parts import PASSWORDS
from tests.web.stage import Stage
from tests.web.target import TARGETS, running
from tests.web.tls import proxying

BY_NAME = {target.name: target for target in TARGETS}


@dataclass(frozen=True, slots=True)
class Scene:
    """A page, the server that it calls if that has another origin, and the account `ada`."""

    page: str
    server: str
    password: str = PASSWORDS["ada"]


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    """The address of a front end's own server."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def development(
    name: str, folder: Path, *, page: str = "", lifetime: str = "15m"
) -> Iterator[Scene]:
    """A program over plain http; its page is its own, or has the origin of `page`."""
    stage, port = Stage(folder, BY_NAME[name], "development"), free_port()
    url = f"http://127.0.0.1:{port}"
    environ = stage.environ | {"GATEPASS_PUBLIC_ORIGINS": page or url}
    environ |= {"GATEPASS_ALLOWED_ORIGINS": page or url, "JWT_ACCESS_LIFETIME": lifetime}
    with running(BY_NAME[name], folder, environ, port=port):
        yield Scene(page or f"{url}/.well-known/jwks.json", url)


@contextmanager
def production(name: str, folder: Path, *, is_elsewhere: bool = False) -> Iterator[Scene]:
    """A program behind a proxy that ends TLS; its page is its own, or at another host."""
    stage, port, certificate = (
        Stage(folder, BY_NAME[name], "production"),
        free_port(),
        write_certificate(folder),
    )
    with ExitStack() as stack:
        address = stack.enter_context(proxying(port, certificate))
        url = address.replace("127.0.0.1", "id.example.com" if is_elsewhere else "app.example.com")
        page = url
        if is_elsewhere:
            address = stack.enter_context(proxying(port, certificate))
            page = address.replace("127.0.0.1", "app.example.com")
        environ = stage.environ | {"GATEPASS_PUBLIC_ORIGINS": page}
        stack.enter_context(running(BY_NAME[name], folder, environ, port=port))
        yield Scene(f"{page}/.well-known/jwks.json", url)
