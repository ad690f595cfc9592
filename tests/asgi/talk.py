"""An application spoken to in messages, as a server does."""

from collections.abc import Iterable
from typing import Any

from gatepass.asgi import AsgiApp


async def talk(
    app: AsgiApp, scope: dict[str, Any], messages: Iterable[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """What the application sends when it is sent these messages."""
    arriving, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await app(scope, receive, send)
    return sent


def http(method: str = "GET", path: str = "/", **headers: str) -> dict[str, Any]:
    """The scope of a request."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), headers[name].encode()) for name in headers],
    }


def socket(*, denial: bool, **headers: str) -> dict[str, Any]:
    """The scope of a websocket handshake, with or without the denial-response extension."""
    extensions: dict[str, Any] = {"websocket.http.response": {}} if denial else {}
    scope = http(path="/live", **headers) | {"type": "websocket", "extensions": extensions}
    del scope["method"]
    return scope
