"""Sign-in for Django: an app with routes, decorators, a middleware and commands.

Add `"gatepass.django"` to `INSTALLED_APPS`.
"""

from gatepass._extras import needs_extra

with needs_extra("django"):
    from gatepass.django.auth import Auth
    from gatepass.django.users import DjangoUsers
    from gatepass.gate import Authenticate, ChangePassword, InternalToken, ProxyGate
    from gatepass.http import Cookies, HttpPolicy, Https, Identity, Limits

__all__ = [
    "Auth",
    "Authenticate",
    "ChangePassword",
    "Cookies",
    "DjangoUsers",
    "HttpPolicy",
    "Https",
    "Identity",
    "InternalToken",
    "Limits",
    "ProxyGate",
]
