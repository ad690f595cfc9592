"""What `manage.py check` says about a project's sign-in."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from gatepass.django.conf import get_auth
from gatepass.errors import GatepassError

_MIDDLEWARE = "gatepass.django.middleware.GatepassMiddleware"


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """Everything that would only fail, or be unsafe, at the first request."""
    try:
        policy = get_auth().policy
    except (GatepassError, ImproperlyConfigured, ImportError, TypeError, ValueError) as error:
        hint = "Set GATEPASS_AUTH, or the variables that gatepass.settings reads."
        return [checks.Error(f"there is no usable Auth: {error}", hint=hint, id="gatepass.E001")]
    found: list[checks.CheckMessage] = []
    if not policy.is_silent and _MIDDLEWARE not in settings.MIDDLEWARE:
        hint = f"Put {_MIDDLEWARE!r} first in MIDDLEWARE."
        message = "the policy has https or CORS rules, and nothing applies them"
        found.append(checks.Error(message, hint=hint, id="gatepass.E002"))
    cookies = policy.cookies
    if not settings.DEBUG and cookies is not None and cookies.insecure_for_development_over_http:
        message = "tokens travel in cookies without Secure while DEBUG is off"
        found.append(checks.Warning(message, id="gatepass.W001"))
    if not settings.DEBUG and policy.https is None and not settings.SECURE_SSL_REDIRECT:
        message = "nothing refuses tokens over plain http while DEBUG is off"
        hint = "Give the policy Https(…), or set SECURE_SSL_REDIRECT."
        found.append(checks.Warning(message, hint=hint, id="gatepass.W002"))
    return found
