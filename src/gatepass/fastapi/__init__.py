"""Sign-in for FastAPI: routes, dependencies and answers over an `AsyncTokenManager`."""

from gatepass._extras import needs_extra

with needs_extra("fastapi"):
    from gatepass.fastapi.auth import Auth
    from gatepass.gate import Authenticate, ChangePassword, InternalToken, ProxyGate
    from gatepass.http import Cookies, HttpPolicy, Https, Identity, Limits

__all__ = [
    "Auth",
    "Authenticate",
    "ChangePassword",
    "Cookies",
    "HttpPolicy",
    "Https",
    "Identity",
    "InternalToken",
    "Limits",
    "ProxyGate",
]
