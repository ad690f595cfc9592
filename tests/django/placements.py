"""All ways to guard that the documentations of Django, DRF and django-ninja know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Router, Schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.settings import DEFAULTS, IMPORT_STRINGS, APISettings
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from gatepass.django import Auth
from tests.django import auth as auths

PLACED = {"sync": auths.auth, "async": auths.async_auth}
MINUTE = 60


def shown(request: Any) -> HttpResponse:
    """The subject of the caller."""
    return HttpResponse(request.gatepass.subject)


async def shown_later(request: HttpRequest) -> HttpResponse:
    return shown(request)


def functions(auth: Auth) -> dict[str, Any]:
    """Functions, with the guard in every place around them."""
    guard = auth.required()
    return {
        "function": guard(shown),
        "async-function": guard(shown_later),
        "guard-twice": guard(guard(shown)),
        "included": include([path("", guard(shown))]),
        "cache-above": cache_page(MINUTE)(guard(shown)),
        "async-cache-above": cache_page(MINUTE)(guard(shown_later)),
        "cache-below": guard(cache_page(MINUTE)(shown)),
        "async-cache-below": guard(cache_page(MINUTE)(shown_later)),
    }


def classes(auth: Auth) -> dict[str, Any]:
    """Classes of Django, with sync and async handlers."""
    on_dispatch = method_decorator(auth.required(), name="dispatch")
    on_method = method_decorator(auth.required())

    class Mixin:
        @on_method
        def dispatch(self, *args: Any, **kwargs: Any) -> Any:
            parent: Any = super()
            return parent.dispatch(*args, **kwargs)

    class Base(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return shown(request)

    class Later(View):
        async def get(self, request: HttpRequest) -> HttpResponse:
            return shown(request)

    class OnMethod(View):
        @on_method
        def get(self, request: HttpRequest) -> HttpResponse:
            return shown(request)

    class OnAsyncMethod(View):
        @on_method
        async def get(self, request: HttpRequest) -> HttpResponse:
            return shown(request)

    @on_dispatch
    class CacheBelow(View):
        @method_decorator(cache_page(MINUTE))
        def get(self, request: HttpRequest) -> HttpResponse:
            return shown(request)

    made: dict[str, Any] = {
        "on-method": OnMethod,
        "async-on-method": OnAsyncMethod,
        "class-cache-below": CacheBelow,
    }
    for prefix, base in (("", Base), ("async-", Later)):
        made |= {
            f"{prefix}on-class": on_dispatch(type("OnClass", (base,), {})),
            f"{prefix}subclass": type("Sub", (on_dispatch(type("Super", (base,), {})),), {}),
            f"{prefix}mixin": type("Mixed", (Mixin, base), {}),
            f"{prefix}stacked": method_decorator([auth.required(), csrf_exempt], name="dispatch")(
                type("Stacked", (base,), {})
            ),
            f"{prefix}as-view": auth.required()(base.as_view()),
        }
    return {name: getattr(view, "as_view", lambda view=view: view)() for name, view in made.items()}


def rest(auth: Auth) -> dict[str, Any]:
    """Views of Django REST framework."""
    guard: Any = auth.required()
    name = next(name for name, one in PLACED.items() if one is auth)
    settings: Any = APISettings(
        {"DEFAULT_PERMISSION_CLASSES": [f"tests.django.auth.{name}_signed_in"]},
        DEFAULTS,
        IMPORT_STRINGS,
    )

    class Rest(APIView):
        permission_classes: Any = (guard,)

        def get(self, request: Any) -> Response:
            return Response(request.auth.subject)

        options = get

    class Default(Rest):
        permission_classes: Any = settings.DEFAULT_PERMISSION_CLASSES

    class Composed(Rest):
        permission_classes: Any = (guard & IsAuthenticated,)

    class Chosen(Rest):
        def get_permissions(self) -> list[Any]:
            return [guard]

    class CacheBelow(Rest):
        get = method_decorator(cache_page(MINUTE))(Rest.get)

    class Things(ViewSet):
        permission_classes: Any = (guard,)

        def list(self, request: Any) -> Response:
            return Response(request.auth.subject)

    def function(request: Any) -> Response:
        return Response(request.auth.subject)

    router = DefaultRouter()
    router.include_root_view = False
    router.register("", Things, basename="things")
    views: dict[str, Any] = {
        "rest-view": Rest,
        "rest-default": Default,
        "rest-composed": Composed,
        "rest-chosen": Chosen,
        "rest-cache-below": CacheBelow,
    }
    return {name: view.as_view() for name, view in views.items()} | {
        "rest-viewset": Things.as_view({"get": "list"}),
        "rest-router": include(router.urls),
        "rest-function": api_view(["GET"])(permission_classes([guard])(function)),
        "rest-function-above": auth.required()(api_view(["GET"])(function)),
        "rest-function-below": api_view(["GET"])(auth.required()(function)),
    }


def optional(auth: Auth) -> dict[str, Any]:
    """Views that answer nobody too."""
    guard: Any = auth.optional()

    def whose(request: Any) -> HttpResponse:
        return HttpResponse("nobody" if request.gatepass is None else request.gatepass.subject)

    async def whose_later(request: Any) -> HttpResponse:
        return whose(request)

    @method_decorator(guard, name="dispatch")
    class Later(View):
        async def get(self, request: HttpRequest) -> HttpResponse:
            return whose(request)

    class Rest(APIView):
        permission_classes: Any = (guard,)

        def get(self, request: Any) -> Response:
            return Response("nobody" if request.auth is None else request.auth.subject)

    class Unguarded(Rest):
        permission_classes: Any = ()

    return {
        "open": guard(whose),
        "open-async": guard(whose_later),
        "open-class": Later.as_view(),
        "open-rest": Rest.as_view(),
        "open-rest-unguarded": Unguarded.as_view(),
    }


class Filters(Schema):
    """A type that django-ninja finds by the name in an annotation."""

    word: str = ""


def ninja(auth: Auth) -> dict[str, Any]:
    """APIs of django-ninja; each has a handler that would make a refusal a 500."""
    apis: dict[str, NinjaAPI] = {}

    def add(name: str, to_api: Any = None, to_router: Any = None, **to_operation: Any) -> Router:
        options = {} if to_api is None else {"auth": to_api}
        api = apis[name] = NinjaAPI(urls_namespace=f"{name}-{auth.is_async}", **options)
        api.add_exception_handler(Exception, lambda *_: HttpResponse(status=500))
        router = Router(**({} if to_router is None else {"auth": to_router}))

        @router.get("/", **to_operation)
        def show(request: Any, word: str = "") -> Any:
            return f"{request.auth.subject}{word}"

        @router.get("/later", **to_operation)
        async def show_later(request: Any) -> Any:
            return request.auth.subject

        api.add_router("", router)
        return router

    add("ninja-api", to_api=auth.ninja())
    add("ninja-router", to_router=auth.ninja())
    add("ninja-operation", auth=auth.ninja())
    add("ninja-several", auth=[lambda _: None, auth.ninja()])
    router = Router()

    @router.post("/")
    async def unguarded(request: Any) -> None:
        """Makes the whole path async, so that django-ninja calls `below` in a thread."""

    @router.get("/")
    @auth.required()
    def below(request: Any, filters: Filters | None = None) -> Any:
        return f"{request.gatepass.subject}{'' if filters is None else filters.word}"

    @router.get("/later")
    @auth.required()
    async def below_later(request: Any) -> Any:
        return request.gatepass.subject

    apis["ninja-below"] = NinjaAPI(urls_namespace=f"ninja-below-{auth.is_async}")
    apis["ninja-below"].add_router("", router)
    return {name: api.urls for name, api in apis.items()}


KINDS: tuple[Callable[[Auth], dict[str, Any]], ...] = (functions, classes, rest, ninja, optional)
PATTERNS = {
    name: [path(f"{row}/", view) for kind in KINDS for row, view in kind(auth).items()]
    for name, auth in PLACED.items()
}
for patterns in PATTERNS.values():
    patterns.append(path("auth/", include("gatepass.django.urls")))
    patterns.append(path("", include("gatepass.django.well_known")))
_ALL = [
    f"{pattern.pattern}{rest}"
    for pattern in PATTERNS["sync"][:-2]
    for rest in (("", "later") if "ninja" in str(pattern.pattern) else ("",))
]
OPEN = [row for row in _ALL if row.startswith("open")]
ROWS = [row for row in _ALL if row not in OPEN]
