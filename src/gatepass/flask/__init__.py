"""Sign-in for Flask: routes, decorators and answers over a `TokenManager`."""

from gatepass._extras import needs_extra

with needs_extra("flask"):
    from gatepass.flask.auth import Auth
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
