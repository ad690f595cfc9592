"""The application under test in Django, with sync views."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.web.apps.django_auth import auth
from tests.web.apps.parts import FRESH_S, READER, WRITER, shown


def answer(request: HttpRequest) -> HttpResponse:
    """The caller's subject."""
    claims = request.gatepass  # type: ignore[attr-defined]
    return HttpResponse(shown(claims), content_type="application/json")


urlpatterns = [
    path("auth/", include("gatepass.django.urls")),
    path("", include("gatepass.django.well_known")),
    path("open", auth.optional()(answer)),
    path("private", auth.required()(answer)),
    path("admin", auth.required(roles=["admin"])(answer)),
    path("reports", auth.required(scopes=READER)(auth.required(scopes=WRITER)(answer))),
    path("transfer", auth.required(fresh=timedelta(seconds=FRESH_S))(answer)),
]
