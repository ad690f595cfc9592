"""Routes of every kind of view."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gatepass.django.conf import get_auth
from gatepass.django.rest import GatepassUserAuthentication
from gatepass.errors import StoreUnavailable
from gatepass.http import RequestRefused
from gatepass.http.problems import RATE_LIMITED
from tests.django.auth import auth


def shown(request: HttpRequest) -> HttpResponse:
    """Whose token it was."""
    claims = request.gatepass  # type: ignore[attr-defined]
    return JsonResponse({"subject": claims and claims.subject})


async def shown_later(request: HttpRequest) -> HttpResponse:
    """The same."""
    return shown(request)


class Rest(APIView):
    """Who DRF takes the caller for."""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        user: Any = request.user
        kind = type(user).__name__
        return Response({"user": str(user), "kind": kind, "admin": user.has_perm("x")})


class RestUser(Rest):
    """The same with Django's own user."""

    authentication_classes = (GatepassUserAuthentication,)


def failing(_: HttpRequest) -> HttpResponse:
    """A view whose store is down."""
    raise StoreUnavailable


def refusing(_: HttpRequest) -> HttpResponse:
    """A view that refuses with a row of the table."""
    raise RequestRefused(RATE_LIMITED, retry_after=9)


def social(_: HttpRequest) -> HttpResponse:
    """A log-in by other means."""
    return auth.log_in(str(User.objects.get(username="ada").pk), {"username": "ada"})


async def social_later(_: HttpRequest) -> HttpResponse:
    """The same."""
    user = await User.objects.aget(username="ada")
    return await auth.alog_in(str(user.pk), {"username": "ada"})


def new_password(request: HttpRequest) -> HttpResponse:
    """A new password, and a login with it; `fail` rolls it back."""
    user = User.objects.get(username="ada")
    user.set_password("another password")
    user.save()
    response = get_auth().log_in(str(user.pk), {"username": "ada"})
    if "fail" in request.GET:
        raise RequestRefused(RATE_LIMITED, retry_after=9)
    return response


urlpatterns = [
    path("api/auth/", include("gatepass.django.urls")),
    path("", include("gatepass.django.well_known")),
    path("private", auth.required()(shown)),
    path("open", auth.optional()(shown)),
    path("open-later", auth.optional()(shown_later)),
    path("open-exempt", auth.optional()(csrf_exempt(shown))),
    path("plain", shown),
    path("rest", Rest.as_view()),
    path("rest-user", RestUser.as_view()),
    path("failing", failing),
    path("refusing", refusing),
    path("social", social),
    path("new-password", csrf_exempt(new_password)),
    path("social-later", social_later),
]
