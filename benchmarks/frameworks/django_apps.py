"""Django and its REST framework: bare views, gatepass, simplejwt, and PyJWT by hand."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import django
import jwt
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.frameworks.stage import (
    BASE,
    BODY,
    GATEPASS,
    REVOKED,
    SECRET,
    App,
    Stage,
    peers_claims,
)
from benchmarks.scene import AUDIENCE, ISSUER
from gatepass import TokenManager
from gatepass.revocations.sqlite import SqliteReplica
from gatepass.stores.sql import SqlStore

_kept: dict[str, Any] = {}


def django_apps(stage: Stage) -> dict[str, App]:
    """One application each, with one view."""
    _set_up(stage)
    auth = _kept["auth"]
    token = jwt.encode(peers_claims(), SECRET)
    return {
        BASE: App(_app(_bare), is_open=True),
        GATEPASS: App(_app(auth.required()(_bare)), stage.token),
        "PyJWT by hand": App(_app(_by_hand(_bare)), token),
    }


def rest_apps(stage: Stage) -> dict[str, App]:
    """The same with views of the REST framework."""
    from benchmarks.frameworks.rest_views import rest_views  # noqa: PLC0415 - after the set-up

    token = jwt.encode(peers_claims(token_type="access", user_id="1"), SECRET)
    tokens = {BASE: "", GATEPASS: stage.token}
    return {
        name: App(_app(view), tokens.get(name, token), is_open=name == BASE)
        for name, view in rest_views().items()
    }


def make_auth() -> Any:
    """The project's `Auth`, for the setting `GATEPASS_AUTH`."""
    return _kept["auth"]


def decode(authorization: str) -> dict[str, Any] | None:
    """What PyJWT by hand makes of a header."""
    scheme, _, token = authorization.partition(" ")
    try:
        claims: dict[str, Any] = jwt.decode(
            token if scheme.lower() == "bearer" else "",
            SECRET,
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "sub", "iat", "jti"]},
        )
    except jwt.PyJWTError:
        return None
    return None if claims["jti"] in REVOKED else claims


def _set_up(stage: Stage) -> None:
    settings.configure(
        SECRET_KEY="guards nothing",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=(),
        MIDDLEWARE=[],
        LOGGING_CONFIG=None,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        GATEPASS_AUTH=f"{__name__}.make_auth",
        SIMPLE_JWT={"SIGNING_KEY": SECRET, "AUDIENCE": AUDIENCE, "ISSUER": ISSUER},
    )
    django.setup()
    from gatepass.django import Auth  # noqa: PLC0415 - after the set-up

    store = SqlStore.from_url(stage.url)
    _kept["auth"] = Auth(
        TokenManager(
            stage.policy,
            access_keys=stage.access_key,
            refresh_keys=stage.refresh_key,
            store=store,
            revocations=SqliteReplica(store),
        )
    )


def _app(view: Callable[..., Any]) -> Callable[..., Any]:
    urls = (path("me", view),)

    class _Handler(WSGIHandler):
        """Routes by URLs of its own."""

        def get_response(self, request: HttpRequest) -> Any:
            request.urlconf = urls  # type: ignore[assignment]  # a tuple will do
            return super().get_response(request)

    return _Handler()


def _bare(_: HttpRequest) -> HttpResponse:
    return HttpResponse(BODY, content_type="application/json")


def _by_hand(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        claims = decode(request.META.get("HTTP_AUTHORIZATION", ""))
        if claims is None:
            return HttpResponse(status=401)
        request.claims = claims  # type: ignore[attr-defined]  # as views look for it
        return view(request)

    return guarded
