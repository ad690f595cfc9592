"""The key set, at the root: `path("", include("gatepass.django.well_known"))`."""

from django.urls import path

from gatepass.django.conf import get_auth
from gatepass.django.views import make_view
from gatepass.gate import KEYS

urlpatterns = (
    []
    if get_auth().gate is None
    else [path(KEYS.path.removeprefix("/"), make_view(KEYS), name="gatepass-keys")]
)
