"""`get_auth`: the `Auth` that `GATEPASS_AUTH` names, or one from the environment."""

from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import SystemCheckError
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from gatepass.django.auth import Auth
from gatepass.errors import GatepassError, SettingsRejected

_FROM_ENVIRONMENT: Final = "gatepass.django.environment.make_auth"
"""The maker of an `Auth` in projects without the setting; it needs more extras."""
_kept: dict[str, Auth] = {}


class AuthUnusable(SettingsRejected, ImproperlyConfigured, SystemCheckError):
    """A project has no `Auth`, and its sentence says why.

    URL configurations ask for the `Auth` when they are imported, and Django's own check imports
    them: as a system check's error it is told without a traceback by every command.
    """

    def __init__(self, reason: str) -> None:
        """Take the reason: a setting that is missing or bad."""
        self.found = checks.Error(
            f"there is no usable Auth: {reason}",
            hint="Set GATEPASS_AUTH, or the variables that gatepass.settings reads.",
            id="gatepass.E001",
        )
        super().__init__(str(self.found))


def get_auth() -> Auth:
    """The project's `Auth`, made at its first use.

    Raises:
        AuthUnusable: `GATEPASS_AUTH` names something else, or the environment does not say
            enough.
    """
    if "auth" not in _kept:
        try:
            _kept["auth"] = _load(getattr(settings, "GATEPASS_AUTH", None))
        except (GatepassError, ImproperlyConfigured, ImportError, TypeError, ValueError) as error:
            raise AuthUnusable(str(error)) from error
    return _kept["auth"]


def _load(name: object) -> Auth:
    name = _FROM_ENVIRONMENT if name is None else name
    found = import_string(name) if isinstance(name, str) else None
    auth = found() if callable(found) and not isinstance(found, Auth) else found
    if not isinstance(auth, Auth):
        raise ImproperlyConfigured(
            "GATEPASS_AUTH names an Auth of gatepass.django, or what makes one, as in "
            '"accounts.auth"'
        )
    return auth


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "GATEPASS_AUTH":
        _kept.clear()


setting_changed.connect(_forget, dispatch_uid="gatepass.conf")
