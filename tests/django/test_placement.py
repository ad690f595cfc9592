"""Guards that would guard nothing, and what `manage.py check` says about a project."""

import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from gatepass.django import Auth, HttpPolicy
from gatepass.django.checks import check_settings
from gatepass.django.conf import get_auth
from gatepass.errors import GuardMisused, SettingsRejected
from tests.django.auth import auth, manager

MIDDLEWARE = "gatepass.django.middleware.GatepassMiddleware"
SHARED = Auth(manager, http=HttpPolicy(allowed_origins=["https://spa.example"]))

GUARD: Any = auth.required()


def secret(_: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


@pytest.fixture
def urls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    module: Any = types.ModuleType("urls_of_a_test")
    module.urlpatterns = []
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with override_settings(ROOT_URLCONF=module.__name__, DEBUG=True):
        yield module.urlpatterns


class Plain(View):
    """Django's own, guarded in DRF's way."""

    permission_classes = (auth.required(),)

    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


class LikeFlask(View):
    """Django's own, guarded in Flask's way."""

    decorators: ClassVar = [auth.required()]

    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


class Composed(View):
    """Django's own, with a permission that is composed."""

    permission_classes: ClassVar = [auth.required() | IsAuthenticated]

    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


@permission_classes([GUARD])
def function(request: HttpRequest) -> HttpResponse:
    """A function without `@api_view`."""
    return secret(request)


@pytest.mark.parametrize(
    "view", [Plain.as_view(), LikeFlask.as_view(), Composed.as_view(), function]
)
def test_a_guard_that_a_view_only_carries_is_an_error(urls: list[Any], view: Any) -> None:
    urls.append(path("x", view))
    found = check_settings()

    assert [one.id for one in found] == ["gatepass.E003"]
    assert "tests.django.test_placement." in str(found[0])
    with pytest.raises(SystemCheckError, match="is never asked"):
        call_command("check")


class Rest(APIView):
    """DRF's, which asks."""

    permission_classes = (GUARD,)

    def get(self, request: Any) -> HttpResponse:
        return secret(request)


@api_view(["GET"])
@permission_classes([GUARD])
def rest_function(request: Any) -> HttpResponse:
    """DRF's, which asks."""
    return secret(request)


@method_decorator(auth.required(), name="dispatch")
class Decorated(View):
    """Django's, with a guard of Django's kind."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return secret(request)


@pytest.mark.parametrize(
    "view", [Rest.as_view(), rest_function, Decorated.as_view(), auth.required()(secret)]
)
def test_a_guard_that_is_asked_is_no_error_and_guards(urls: list[Any], view: Any) -> None:
    urls += [path("x", view), path("open", secret)]

    assert check_settings() == []
    assert Client().get("/x").status_code == 401


class Authenticated(APIView):
    """DRF's, guarded by whoever is authenticated."""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Any) -> HttpResponse:
        return secret(request)


@pytest.mark.parametrize(
    "view",
    [Rest.as_view(), Authenticated.as_view(), auth.required()(secret), auth.optional()(secret)],
)
def test_caches_are_told_whose_answer_it_is(urls: list[Any], token: str, view: Any) -> None:
    urls += [path("x", view), path("open", secret)]
    client = Client(headers={"authorization": f"Bearer {token}"})

    assert {"Authorization", "Cookie"} <= set(client.get("/x").headers["Vary"].split(", "))
    assert "Vary" not in client.get("/open").headers


def test_a_guard_around_a_class_says_where_it_belongs() -> None:
    guard: Any = auth.required()

    with pytest.raises(GuardMisused, match=r"@method_decorator\(auth\.required\(\)"):
        guard(Plain)


def test_a_guard_around_a_method_lets_nobody_in_and_says_where_it_belongs(urls: list[Any]) -> None:
    class Methodical(View):
        @auth.required()
        def get(self, request: HttpRequest) -> HttpResponse:
            return secret(request)

    urls.append(path("x", Methodical.as_view()))

    with pytest.raises(GuardMisused, match=r"called with Methodical.*@method_decorator"):
        Client().get("/x")


@pytest.mark.parametrize("name", ["required", "optional"])
def test_a_guard_without_parentheses_is_refused_where_it_is_written(name: str) -> None:
    guard: Any = getattr(auth, name)

    with pytest.raises(GuardMisused, match=rf"write auth\.{name}\(\)"):
        guard(secret)


@pytest.mark.parametrize(
    ("before", "warned"),
    [
        ([], []),
        (["django.middleware.security.SecurityMiddleware"], []),
        (["django.middleware.common.CommonMiddleware"], ["gatepass.W003"]),
        (["django.middleware.csrf.CsrfViewMiddleware"], ["gatepass.W003"]),
    ],
)
def test_middleware_that_answers_before_our_rules_is_warned_of(
    urls: list[Any], before: list[str], warned: list[str]
) -> None:
    urls.append(path("x", secret))
    with override_settings(
        GATEPASS_AUTH="tests.django.test_placement.SHARED", MIDDLEWARE=[*before, MIDDLEWARE]
    ):
        assert [one.id for one in check_settings()] == warned


def test_an_auth_that_cannot_be_made_is_an_error_of_every_kind_that_is_waited_for() -> None:
    with override_settings(GATEPASS_AUTH="tests.django.missing.auth"):
        for kind in (SettingsRejected, ImproperlyConfigured, CommandError):
            with pytest.raises(kind, match="there is no usable Auth: No module named"):
                get_auth()


@pytest.mark.parametrize("command", ["check", "migrate", "showmigrations"])
def test_commands_tell_a_bad_environment_without_a_traceback(tmp_path: Path, command: str) -> None:
    (tmp_path / "project_urls.py").write_text(
        "from django.urls import include, path\n"
        "from gatepass.django.conf import get_auth\n"
        "auth = get_auth()\n"
        'urlpatterns = [path("auth/", include("gatepass.django.urls"))]\n'
    )
    (tmp_path / "project_settings.py").write_text(
        'from tests.django.settings import *\nGATEPASS_AUTH, ROOT_URLCONF = None, "project_urls"\n'
    )
    here = Path(__file__).parents[2]
    kept = {name: text for name, text in os.environ.items() if not name.startswith("JWT_")}
    done = subprocess.run(
        [sys.executable, "-m", "django", command, "--settings", "project_settings"],
        env={**kept, "PYTHONPATH": f"{tmp_path}:{here}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.startswith("?: (gatepass.E001) there is no usable Auth: JWT_ACCESS_SECRET")
    assert "HINT" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
