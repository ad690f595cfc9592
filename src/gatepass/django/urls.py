"""The auth routes: `path("auth/", include("gatepass.django.urls"))`."""

from typing import Final

from django.urls import path

from gatepass.django.conf import get_auth
from gatepass.django.views import make_view
from gatepass.gate import routes_of

app_name: Final = "gatepass"

_gate = get_auth().gate
urlpatterns = [
    path(
        route.path.removeprefix("/") + ("<str:session_id>" if route.names_session else ""),
        make_view(route),
        name=route.name,
    )
    for route in (() if _gate is None else routes_of(_gate))
]
