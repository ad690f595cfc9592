"""Django: URLs, views and the WSGI application; run it with `gunicorn project:application`."""

import os
from datetime import timedelta

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.http import require_POST

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = get_wsgi_application()

from gatepass.django.conf import get_auth  # noqa: E402 - after Django is set up

auth = get_auth()


@auth.required()
def profile(request: HttpRequest) -> JsonResponse:
    """Everybody who is logged in."""
    return JsonResponse({"subject": request.gatepass.subject})  # type: ignore[attr-defined]


@auth.required(roles=["admin"])
async def admin(request: HttpRequest) -> JsonResponse:
    """Administrators only; an async view."""
    return JsonResponse({"subject": request.gatepass.subject})  # type: ignore[attr-defined]


@require_POST
@auth.required(fresh=timedelta(minutes=5))
def transfer(request: HttpRequest) -> JsonResponse:
    """Whoever gave the password within five minutes."""
    return JsonResponse({"subject": request.gatepass.subject})  # type: ignore[attr-defined]


urlpatterns = [
    path("auth/", include("gatepass.django.urls")),
    path("", include("gatepass.django.well_known")),
    path("profile", profile),
    path("admin", admin),
    path("transfer", transfer),
]
