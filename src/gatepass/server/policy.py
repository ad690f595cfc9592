"""The HTTP settings of the server: the environment's, and additions for development."""

from collections.abc import Mapping

from gatepass.server.state import Environment
from gatepass.settings import HttpSettings


def read_http(environ: Mapping[str, str], environment: Environment, url: str) -> HttpSettings:
    """Cookies, origins, https and limits; in development the server's own pages may use cookies.

    Raises:
        SettingsRejected: A variable is out of bounds.
    """
    own = {}
    if environment is Environment.DEVELOPMENT and not environ.get("GATEPASS_PUBLIC_ORIGINS"):
        own = {"GATEPASS_PUBLIC_ORIGINS": f"{url},{url.replace('127.0.0.1', 'localhost')}"}
    return HttpSettings.from_env({**environ, **own})
