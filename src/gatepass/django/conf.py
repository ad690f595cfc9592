"""Which `Auth` a project has: the one that `GATEPASS_AUTH` names, or one from the environment."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from gatepass.django.auth import Auth

_kept: dict[str, Auth] = {}


def get_auth() -> Auth:
    """The project's `Auth`, made at its first use.

    Raises:
        ImproperlyConfigured: `GATEPASS_AUTH` names something else.
        SettingsRejected: The environment does not say enough.
    """
    if "auth" not in _kept:
        _kept["auth"] = _load(getattr(settings, "GATEPASS_AUTH", None))
    return _kept["auth"]


def _load(name: str | None) -> Auth:
    if name is None:
        from gatepass.django.environment import make_auth  # noqa: PLC0415 - wants more extras

        return make_auth()
    found = import_string(name)
    auth = found if isinstance(found, Auth) else found()
    if not isinstance(auth, Auth):
        raise ImproperlyConfigured(
            "GATEPASS_AUTH names an Auth of gatepass.django, or what makes one"
        )
    return auth


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "GATEPASS_AUTH":
        _kept.clear()


setting_changed.connect(_forget, dispatch_uid="gatepass.conf")
