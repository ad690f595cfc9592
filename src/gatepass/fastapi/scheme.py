"""Where a request's access token is looked for, and what the Authorize button is told."""

from fastapi.openapi.models import OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from gatepass.http import parse_bearer


class BearerScheme(SecurityBase):
    """The bearer token of a request or websocket handshake, unverified; `None` without one."""

    def __init__(self) -> None:
        self.scheme_name = "gatepass"
        self._flow = OAuthFlowPassword(tokenUrl="auth/login")
        self.model = OAuth2(flows=OAuthFlows(password=self._flow))

    def point_to(self, path: str) -> None:
        """Name the log-in route; a relative address also holds behind a proxy's prefix."""
        self._flow.tokenUrl = path.lstrip("/")

    async def __call__(self, connection: HTTPConnection) -> str | None:
        """See `parse_bearer`."""
        return find_token(connection)


def find_token(connection: HTTPConnection) -> str | None:
    """The token in the `Authorization` header; two headers are refused."""
    return parse_bearer(connection.headers.getlist("authorization"))
