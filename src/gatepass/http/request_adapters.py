"""A request as ASGI and WSGI describe it, read in one way; plain values, no framework.

Header texts are Latin-1, as both standards say (PEP 3333, ASGI HTTP). WSGI servers join a header
that was given twice with a comma, ASGI servers keep both: parsers take either.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

_PREFIX = "HTTP_"
_WITHOUT_PREFIX = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_OF_SOCKETS = {"https": "wss", "wss": "wss"}


class HttpRequest(Protocol):
    """The parts of a request that decisions are based on: never the body."""

    @property
    def method(self) -> str:
        """The method, in capitals; `GET` for a websocket handshake."""
        ...

    @property
    def scheme(self) -> str:
        """`http`, `https`, `ws` or `wss`, as the server saw it."""
        ...

    @property
    def path(self) -> str:
        """The whole path, percent-decoded, the mount point included."""
        ...

    @property
    def root_path(self) -> str:
        """The part of the path before the application, percent-decoded, or `""`.

        A client may have chosen it: it can come from a URL pattern or from a proxy's header.
        """
        ...

    @property
    def query(self) -> str:
        """The text after the `?`, as it was sent."""
        ...

    @property
    def peer(self) -> str:
        """The address at the other end of the connection; `""` for a socket file."""
        ...

    def header(self, name: str) -> list[str]:
        """Every value of a header; the name in small letters."""
        ...

    def names(self) -> Sequence[str]:
        """The names of all headers, in small letters; WSGI has `-` wherever a name had `_`."""
        ...


class AsgiRequest:
    """A request out of an ASGI scope, http or websocket."""

    __slots__ = ("_scope", "method")

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self.method: str = scope.get("method", "GET")

    @property
    def scheme(self) -> str:
        """See `HttpRequest.scheme`.

        The scope's type tells which requests are websockets: servers may leave out the scheme of
        a websocket, and middleware for proxies writes `https` there.
        """
        scheme: str = self._scope.get("scheme", "http")
        return _OF_SOCKETS.get(scheme, "ws") if self._scope["type"] == "websocket" else scheme

    @property
    def path(self) -> str:
        """See `HttpRequest.path`."""
        path: str = self._scope["path"]
        return path

    @property
    def root_path(self) -> str:
        """See `HttpRequest.root_path`."""
        return str(self._scope.get("root_path", ""))

    @property
    def query(self) -> str:
        """See `HttpRequest.query`."""
        query: bytes = self._scope.get("query_string", b"")
        return query.decode("latin-1")

    @property
    def peer(self) -> str:
        """See `HttpRequest.peer`."""
        client = self._scope.get("client")
        return str(client[0]) if client else ""

    def header(self, name: str) -> list[str]:
        """See `HttpRequest.header`."""
        wanted = name.encode()
        return [value.decode("latin-1") for key, value in self._scope["headers"] if key == wanted]

    def names(self) -> Sequence[str]:
        """See `HttpRequest.names`."""
        return [key.decode("latin-1").lower() for key, _ in self._scope["headers"]]


class WsgiRequest:
    """A request out of a WSGI environ, or of Django's `META`, which has its form."""

    __slots__ = ("_environ", "_scheme", "method")

    def __init__(self, environ: Mapping[str, Any], *, scheme: str | None = None) -> None:
        """Read an environ.

        Args:
            environ: The variables of the request.
            scheme: The scheme, where the environ does not hold it.
        """
        self._environ = environ
        self._scheme = scheme
        self.method: str = environ.get("REQUEST_METHOD", "")

    @property
    def scheme(self) -> str:
        """See `HttpRequest.scheme`."""
        return self._scheme or str(self._environ["wsgi.url_scheme"])

    @property
    def path(self) -> str:
        """See `HttpRequest.path`."""
        text = self._environ.get("SCRIPT_NAME", "") + self._environ.get("PATH_INFO", "")
        try:
            return str(text).encode("latin-1").decode("utf-8", "replace")
        except UnicodeEncodeError:  # decoded already, as in Django's META under ASGI
            return str(text)

    @property
    def root_path(self) -> str:
        """See `HttpRequest.root_path`; only ASCII is read, as a cookie's `Path` must be."""
        return str(self._environ.get("SCRIPT_NAME", ""))

    @property
    def query(self) -> str:
        """See `HttpRequest.query`."""
        return str(self._environ.get("QUERY_STRING", ""))

    @property
    def peer(self) -> str:
        """See `HttpRequest.peer`."""
        return str(self._environ.get("REMOTE_ADDR") or "")

    def header(self, name: str) -> list[str]:
        """See `HttpRequest.header`."""
        key = _WITHOUT_PREFIX.get(name) or _PREFIX + name.upper().replace("-", "_")
        value = self._environ.get(key)
        return [] if value is None else [value]

    def names(self) -> Sequence[str]:
        """See `HttpRequest.names`; without the two that have no prefix."""
        named = [key for key in self._environ if key.startswith(_PREFIX)]
        return [key.removeprefix(_PREFIX).lower().replace("_", "-") for key in named]
