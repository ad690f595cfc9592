"""Guards that would guard nothing raise, where they are written or at the first request."""

import asyncio
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.decorators import user_passes_test
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path
from django.utils.functional import SimpleLazyObject
from django.views import View
from ninja import NinjaAPI, Router
from rest_framework.views import APIView

from gatepass.errors import GuardMisused
from tests.budget import PATIENCE_S
from tests.django.auth import async_auth, auth, manager

GUARD: Any = auth.required()
ADMIN: Any = auth.required(roles=["admin"])


def secret(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("secret")


async def secret_later(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("secret")


class Secret(View):
    """Open, if nothing of a subclass guards it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


@pytest.mark.parametrize(
    "given",
    [
        (None,),
        (HttpRequest(),),
        (User(),),
        (AnonymousUser(),),
        (SimpleLazyObject(User),),
        (Secret(),),
        (include([path("x", secret)]),),
        (auth.required(),),
        (secret, secret),
        ("tests.django.urls.shown",),
    ],
    ids=lambda given: type(given[0]).__name__,
)
def test_a_guard_takes_one_view_and_nothing_else(given: tuple[Any, ...]) -> None:
    told = rf"called with {type(given[0]).__name__}.*below include"
    for guard in (GUARD, auth.optional(), async_auth.required()):
        with pytest.raises(GuardMisused, match=told):
            guard(*given)


def test_a_guard_around_a_class_says_where_it_belongs() -> None:
    with pytest.raises(GuardMisused, match=r"@method_decorator\(auth\.required\(\)"):
        GUARD(Secret)


@pytest.mark.parametrize("guard", [GUARD, auth.optional(), async_auth.required()])
def test_a_guard_above_an_operation_of_django_ninja_is_refused(guard: Any) -> None:
    def operation(request: HttpRequest) -> HttpResponse:
        return secret(request)

    async def later(request: HttpRequest) -> HttpResponse:
        return secret(request)

    for routes in (NinjaAPI(urls_namespace=f"above-{id(guard)}"), Router()):
        for view in (operation, later):
            with pytest.raises(GuardMisused, match=r"below @api\.get"):
                guard(routes.get("/x")(view))


def test_a_guard_is_no_base_class_and_no_dispatch() -> None:
    with pytest.raises(TypeError):
        type("Guarded", (GUARD, Secret), {})
    with pytest.raises(AttributeError):
        type("Dispatched", (Secret,), {"dispatch": GUARD}).as_view()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["required", "optional", "ninja"])
def test_a_guard_without_parentheses_is_refused_where_it_is_written(name: str) -> None:
    guard: Any = getattr(auth, name)

    with pytest.raises(GuardMisused, match=rf"write auth\.{name}\(\)"):
        guard(secret)


@pytest.mark.parametrize("asked", [{"roles": []}, {"scopes": ()}])
@pytest.mark.parametrize("make", [auth.required, auth.ninja])
def test_a_guard_that_asks_for_one_of_nothing_is_refused(
    make: Callable[..., Any], asked: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="is empty"):
        make(**asked)


@pytest.mark.parametrize("guard", [GUARD, GUARD(), auth.optional()])
def test_a_guard_is_neither_true_nor_false(guard: Any) -> None:
    with pytest.raises(GuardMisused, match="used like a test"):
        bool(guard)


class ByTestFunc(UserPassesTestMixin, Secret):
    test_func = ADMIN


class ReturnedByTestFunc(UserPassesTestMixin, Secret):
    def test_func(self) -> Any:
        return ADMIN


class AsGet(Secret):
    get = ADMIN


class OnMethod(Secret):
    @auth.required()
    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


class OnAsyncMethod(View):
    @auth.required()
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await secret_later(request)


class WithoutParentheses(APIView):
    permission_classes: Any = (auth.required,)

    def get(self, request: Any) -> HttpResponse:
        return secret(request)


def in_ninja(*, api: Any = None, router: Any = None, operation: Any = None) -> Any:
    """The URLs of an API whose guard is of the wrong kind."""
    given = [{} if one is None else {"auth": one} for one in (api, router, operation)]
    made = NinjaAPI(urls_namespace=f"misused-{[*map(bool, given)]}", **given[0])
    routes = Router(**given[1])
    routes.get("/", **given[2])(secret)
    routes.get("/later", **given[2])(secret_later)
    made.add_router("", routes)
    return made.urls


MISUSED: dict[str, Any] = {
    "as-view": GUARD,
    "user-passes-test": user_passes_test(ADMIN)(secret),
    "user-passes-test-async": user_passes_test(ADMIN)(secret_later),
    "user-passes-test-returned": user_passes_test(lambda _: ADMIN)(secret),
    "test-func-returned": ReturnedByTestFunc.as_view(),
    "test-func": ByTestFunc.as_view(),
    "as-get": AsGet.as_view(),
    "on-method": OnMethod.as_view(),
    "on-async-method": OnAsyncMethod.as_view(),
    "rest-without-parentheses": WithoutParentheses.as_view(),
    "ninja-api/": in_ninja(api=ADMIN),
    "ninja-router/": in_ninja(router=ADMIN),
    "ninja-operation/": in_ninja(operation=ADMIN),
    "ninja-returned/": in_ninja(api=lambda _: ADMIN),
}
ASKED = [*MISUSED, *(f"{name}later" for name in MISUSED if name.startswith("ninja"))]


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("name", ASKED)
def test_a_guard_that_nothing_can_ask_raises_at_the_first_request(
    name: str, interface: str, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    module: Any = types.ModuleType("urls_of_misuse")
    module.urlpatterns = [path(row, view) for row, view in MISUSED.items()]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]

    def get(**headers: str) -> Any:
        if interface == "wsgi":
            return Client().get(f"/{name}", headers=headers)
        client: Any = AsyncClient()
        return asyncio.run(client.get(f"/{name}", headers=headers))

    with override_settings(ROOT_URLCONF=module.__name__, MIDDLEWARE=middleware):
        with pytest.raises(GuardMisused):
            get()
        with pytest.raises(GuardMisused):
            get(Authorization=f"Bearer {token}")


@pytest.mark.parametrize("of", [auth, async_auth], ids=["sync", "async"])
def test_a_guard_that_should_end_a_view_is_rejected_with_its_cure(of: Any) -> None:
    with pytest.raises(GuardMisused, match=r"auth\.watch\(claims, on_end=…\)"):
        of.required(watch=True)


def test_a_view_is_told_of_the_end_of_its_session() -> None:
    told, reasons = threading.Event(), []
    pair = manager.issue("ada")

    def on_end(reason: str) -> None:
        reasons.append(reason)
        told.set()

    with auth.watch(manager.verify(pair.access_token), on_end=on_end):
        manager.revoke_session(pair.session_id)

        assert told.wait(PATIENCE_S)
    assert reasons == ["token_revoked"]


def test_an_auth_without_a_sync_manager_watches_nothing_for_sync_views() -> None:
    pair = manager.issue("ada")
    with pytest.raises(TypeError, match="pass it as twin="):
        async_auth.watch(manager.verify(pair.access_token), on_end=print)
