"""Sign-in for any ASGI application: routes in front of it and guards around it; no framework."""

from gatepass.asgi.auth import Auth
from gatepass.asgi.messages import AsgiApp, Receive, Scope, Send
from gatepass.gate import Authenticate, ChangePassword, InternalToken, ProxyGate
from gatepass.http import Cookies, HttpPolicy, Https, Identity, Limits

__all__ = [
    "AsgiApp",
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
    "Receive",
    "Scope",
    "Send",
]
