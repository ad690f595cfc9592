"""Requests as ASGI and as WSGI servers describe them."""

from collections.abc import Callable
from typing import Any

from gatepass.http import AsgiRequest, WsgiRequest

Given = AsgiRequest | WsgiRequest


def asgi(
    line: str = "GET /", *headers: str, scheme: str = "http", peer: str = "198.51.100.7"
) -> AsgiRequest:
    """A request by its first line and header lines."""
    method, path, query = _split(line)
    pairs = [header.partition(": ")[::2] for header in headers]
    scope: dict[str, Any] = {
        "type": "websocket" if scheme.startswith("ws") else "http",
        "path": path,
        "query_string": query.encode(),
        "scheme": scheme,
        "client": (peer, 50_000) if peer else None,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
    }
    return AsgiRequest(scope if scheme.startswith("ws") else scope | {"method": method})


def wsgi(
    line: str = "GET /", *headers: str, scheme: str = "http", peer: str = "198.51.100.7"
) -> WsgiRequest:
    """The same, with headers given twice joined as WSGI servers do."""
    method, path, query = _split(line)
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query,
        "REMOTE_ADDR": peer,
        "wsgi.url_scheme": scheme,
    }
    for name, value in (header.partition(": ")[::2] for header in headers):
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return WsgiRequest(environ)


MAKERS: dict[str, Callable[..., Given]] = {"asgi": asgi, "wsgi": wsgi}


def _split(line: str) -> tuple[str, str, str]:
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    return method, path, query
