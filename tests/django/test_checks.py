"""What `manage.py check` says about a project."""

import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from django.views import View
from ninja import NinjaAPI
from rest_framework.decorators import permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from gatepass.django import Auth, HttpPolicy
from gatepass.django.checks import check_settings
from gatepass.django.conf import get_auth
from gatepass.errors import SettingsRejected
from tests.django.auth import auth, manager
from tests.django.placements import PATTERNS

MIDDLEWARE = "gatepass.django.middleware.GatepassMiddleware"
SHARED = Auth(manager, http=HttpPolicy(allowed_origins=["https://spa.example"]))

GUARD: Any = auth.required()


def secret(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("secret")


class Rest(APIView):
    """DRF's, which asks."""

    permission_classes = (GUARD,)


class Authenticated(APIView):
    """DRF's, guarded by whoever is authenticated."""

    permission_classes = (IsAuthenticated,)


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
    assert "tests.django.test_checks." in str(found[0])
    with pytest.raises(SystemCheckError, match="is never asked"):
        call_command("check")


def test_guards_in_their_places_are_no_error(urls: list[Any]) -> None:
    urls += [*PATTERNS["sync"], path("open", secret)]

    assert check_settings() == []


def test_a_guard_that_django_ninja_cannot_ask_is_an_error(urls: list[Any]) -> None:
    api = NinjaAPI(urls_namespace="checked", auth=GUARD)
    api.get("/")(secret)
    urls.append(path("x/", api.urls))

    (found,) = check_settings()

    assert (found.id, found.level) == ("gatepass.E003", checks.ERROR)
    assert "auth.ninja(" in str(found.hint)


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("guard", [GUARD, auth.optional()])
def test_a_guard_among_authentication_classes_is_an_error(
    urls: list[Any], guard: Any, kind: type[Any]
) -> None:
    view: Any = type("Misplaced", (APIView,), {"authentication_classes": kind([guard])})
    urls.append(path("x", view.as_view()))

    with override_settings(REST_FRAMEWORK={}):
        (found,) = check_settings()

    assert (found.id, found.level) == ("gatepass.E003", checks.ERROR)
    assert "permission_classes" in str(found.hint)


@pytest.mark.parametrize("view", [Rest, Authenticated])
@pytest.mark.parametrize("handler", [None, "gatepass.django.rest.exception_handler"])
def test_rest_framework_without_our_exception_handler_is_warned_of(
    urls: list[Any], view: type[APIView], handler: str | None
) -> None:
    urls.append(path("x", view.as_view()))
    settings = {} if handler is None else {"EXCEPTION_HANDLER": handler}
    with override_settings(REST_FRAMEWORK=settings):
        found = check_settings()

    assert [one.id for one in found] == ([] if handler else ["gatepass.W004"])
    assert handler or '"gatepass.django.rest.exception_handler"' in str(found[0].hint)


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
        GATEPASS_AUTH="tests.django.test_checks.SHARED", MIDDLEWARE=[*before, MIDDLEWARE]
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
