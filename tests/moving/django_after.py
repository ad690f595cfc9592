"""The same project on gatepass, for clients that know the old routes only."""

from typing import Any

from tests.moving.django_common import *  # noqa: F403
from tests.moving.django_common import DJANGO_APPS

ROOT_URLCONF = __name__
INSTALLED_APPS = [*DJANGO_APPS, "gatepass.django"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["gatepass.django.rest.GatepassUserAuthentication"],
    "EXCEPTION_HANDLER": "gatepass.django.rest.exception_handler",
}


def __getattr__(name: str) -> Any:
    """The routes, which can be made once the settings are read."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.urls import include, path  # noqa: PLC0415

    from tests.moving.django_views import Me, Refresh  # noqa: PLC0415

    return [
        path("auth/", include("gatepass.django.urls")),
        path("refresh", Refresh.as_view()),
        path("me", Me.as_view()),
    ]
