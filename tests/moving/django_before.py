"""A project on simplejwt: its settings, routes and application."""

import os
from typing import Any

from tests.moving.django_common import *  # noqa: F403
from tests.moving.django_common import DJANGO_APPS

ROOT_URLCONF = __name__
INSTALLED_APPS = [*DJANGO_APPS, "rest_framework_simplejwt.token_blacklist"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"]
}
SIMPLE_JWT = {"SIGNING_KEY": os.environ["JWT_LEGACY_SECRET"], "ROTATE_REFRESH_TOKENS": True}


def __getattr__(name: str) -> Any:
    """The routes, which can be made once the settings are read."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.urls import path  # noqa: PLC0415
    from rest_framework_simplejwt.views import (  # noqa: PLC0415
        TokenObtainPairView,
        TokenRefreshView,
    )

    from tests.moving.django_views import Me  # noqa: PLC0415

    return [
        path("login", TokenObtainPairView.as_view()),
        path("refresh", TokenRefreshView.as_view()),
        path("me", Me.as_view()),
    ]
