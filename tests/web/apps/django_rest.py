"""The application under test in Django REST framework."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.views import APIView

from tests.web.apps.django_auth import auth
from tests.web.apps.parts import FRESH_S, READER, WRITER, shown


class View(APIView):
    """The caller's subject."""

    def get(self, request: Request) -> HttpResponse:
        claims: Any = request.auth
        return HttpResponse(shown(claims), content_type="application/json")

    post = get


PRIVATE: Any = auth.required()
ADMIN: Any = auth.required(roles=["admin"])
READ: Any = auth.required(scopes=READER)
WRITE: Any = auth.required(scopes=WRITER)
JUST_NOW: Any = auth.required(fresh=timedelta(seconds=FRESH_S))


class Open(View):
    pass


class Private(View):
    permission_classes = (PRIVATE,)


class Admin(View):
    permission_classes = (ADMIN,)


class Reports(View):
    permission_classes = (READ, WRITE)


class Transfer(View):
    permission_classes = (JUST_NOW,)


def _path(name: str, view: type[View]) -> Any:
    return path(name, view.as_view())


urlpatterns = [
    path("auth/", include("gatepass.django.urls")),
    path("", include("gatepass.django.well_known")),
    _path("open", Open),
    _path("private", Private),
    _path("admin", Admin),
    _path("reports", Reports),
    _path("transfer", Transfer),
]
