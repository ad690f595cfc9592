"""Addresses of clients: trusted proxies, and the access log."""

from collections.abc import Mapping
from typing import Final

from gatepass.asgi import AsgiApp, Receive, Scope, Send
from gatepass.errors import SettingsRejected
from gatepass.http import AsgiRequest, TrustedProxies

_NAME: Final = "GATEPASS_TRUSTED_PROXIES"


def read_proxies(environ: Mapping[str, str]) -> TrustedProxies | None:
    """The proxies whose `X-Forwarded-*` headers count; `None` without any.

    Raises:
        SettingsRejected: An entry is neither an address nor a network, or names every address.
    """
    written = environ.get(_NAME)
    if not written:
        return None
    try:
        return TrustedProxies(written.split(","))
    except SettingsRejected as error:
        raise SettingsRejected(f"{_NAME}: {error}") from None


class LoggedClient:
    """ASGI middleware: uvicorn's access log names the client, the application sees the proxy."""

    def __init__(self, app: AsgiApp, proxies: TrustedProxies) -> None:
        self._app, self._proxies = app, proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a copy of the scope; the access log reads the original."""
        seen = {**scope}
        client = scope.get("client")
        if client and scope["type"] == "http" and self._proxies.trusts(client[0]):
            scope["client"] = (self._proxies.client(AsgiRequest(seen)), 0)
        await self._app(seen, receive, send)
