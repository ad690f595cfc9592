"""Django's signals, and the packages that projects have beside gatepass."""

import asyncio
import gc
import sys
import types
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from gatepass import AccessClaims
from gatepass.django import DjangoUsers
from gatepass.django.checks import check_settings
from gatepass.django.conf import get_auth
from gatepass.django.requests import DjangoRequest
from gatepass.http import Requirement
from tests.budget import PATIENCE_S
from tests.django.auth import auth
from tests.django.conftest import PASSWORD
from tests.threads import ours

LogIn = Callable[..., Any]
AXES = {
    "AXES_ENABLED": True,
    "AXES_FAILURE_LIMIT": 2,
    "AUTHENTICATION_BACKENDS": [
        "axes.backends.AxesStandaloneBackend",
        "django.contrib.auth.backends.ModelBackend",
    ],
    "MIDDLEWARE": [
        "gatepass.django.middleware.GatepassMiddleware",
        "axes.middleware.AxesMiddleware",
    ],
}


@pytest.fixture(params=["sync", "async"])
def log_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[LogIn]:
    """Logs in at an `Auth` over a sync or an async manager."""
    name = "auth" if request.param == "sync" else "async_auth"
    with override_settings(GATEPASS_AUTH=f"tests.django.auth.{name}"):
        module: Any = types.ModuleType("urls_of_companions")
        monkeypatch.delitem(sys.modules, "gatepass.django.urls", raising=False)
        module.urlpatterns = [path("auth/", include("gatepass.django.urls"))]
        monkeypatch.setitem(sys.modules, module.__name__, module)

        def post(password: str) -> Any:
            client: Any = Client() if request.param == "sync" else AsyncClient()
            form = {"username": "ada", "password": password}
            answer = client.post("/auth/login", form, content_type="application/json")
            return answer if request.param == "sync" else asyncio.run(answer)

        with override_settings(ROOT_URLCONF=module.__name__):
            yield post


@pytest.fixture
def told(ada: User) -> Iterator[list[tuple[str, Any, Any]]]:
    """The signals of Django's logins: which, the path of the request, and the user."""
    found: list[tuple[str, Any, Any]] = []

    def succeeded(sender: type, request: HttpRequest, user: User, **_: Any) -> None:
        found.append((sender.__name__, request.path, user))

    def failed(sender: str, request: HttpRequest | None, credentials: Any, **_: Any) -> None:
        del sender
        found.append(("failed", request and request.path, credentials["username"]))

    assert ada.last_login is None
    user_logged_in.connect(succeeded)
    user_login_failed.connect(failed)
    yield found
    user_logged_in.disconnect(succeeded)
    user_login_failed.disconnect(failed)


def test_signals_of_a_login_have_the_request_and_last_login_is_set(
    log_in: LogIn, told: list[Any], ada: User
) -> None:
    assert log_in("wrong").status_code == 401
    ada.refresh_from_db()
    assert (told, ada.last_login) == ([("failed", "/auth/login", "ada")], None)
    told.clear()
    assert log_in(PASSWORD).status_code == 200
    ada.refresh_from_db()
    assert told == [("User", "/auth/login", ada)]
    assert ada.last_login is not None


def test_a_login_that_opens_no_session_is_none(
    told: list[Any], client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DjangoUsers, "claims_of", lambda *_: {"x": "a" * 3000})
    form = {"username": "ada", "password": PASSWORD}
    with pytest.raises(Exception, match="bytes of JSON"):
        client.post("/api/auth/login", form, content_type="application/json")

    ada.refresh_from_db()
    assert (told, ada.last_login) == ([], None)


def test_a_receiver_that_fails_leaves_no_session_open(log_in: LogIn, ada: User) -> None:
    gate: Any = get_auth()

    def open_sessions() -> set[str]:
        found = gate.wait_for(gate.manager.sessions(str(ada.pk)))
        return {session.session_id for session in found}

    def fail(**_: Any) -> None:
        during.append(open_sessions())
        raise ZeroDivisionError("of the receiver")

    before, during = open_sessions(), list[set[str]]()
    user_logged_in.connect(fail)
    try:
        with pytest.raises(ZeroDivisionError, match="of the receiver"):
            log_in(PASSWORD)
    finally:
        user_logged_in.disconnect(fail)

    assert len(during[0] - before) == 1
    assert open_sessions() == before


def test_axes_counts_failures_locks_and_forgets(log_in: LogIn, ada: User) -> None:
    AccessAttempt: Any = apps.get_model("axes", "AccessAttempt")
    assert ada.is_active
    with override_settings(**AXES):
        assert log_in(PASSWORD).status_code == 200
        assert log_in("wrong").status_code == 401
        [attempt] = AccessAttempt.objects.all()
        assert (attempt.username, attempt.path_info) == ("ada", "/auth/login")
        statuses = [log_in("wrong").status_code, log_in(PASSWORD).status_code]
    AccessAttempt.objects.all().delete()

    assert statuses == [429, 429]


def named_claims(user: Any) -> dict[str, Any]:
    return {"username": user.get_username(), "role": "admin", "scope": "read"}


def test_the_setting_counts_for_users_of_an_auth_of_ones_own(ada: User) -> None:
    users = DjangoUsers()
    before = users.load_claims(str(ada.pk), {})
    with override_settings(GATEPASS_CLAIMS=f"{__name__}.named_claims"):
        after = users.load_claims(str(ada.pk), {})

    assert (before, after) == ({"username": "ada"}, named_claims(ada))


def test_a_setting_of_claims_that_nothing_uses_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DjangoUsers, "by_setting", WeakSet())

    def found(name: str) -> list[str]:
        with override_settings(GATEPASS_CLAIMS=name, DEBUG=True):
            return [f"{each.id}: {each.msg}" for each in check_settings()]

    [unused] = found(f"{__name__}.named_claims")
    [missing] = found(f"{__name__}.nothing")
    users = DjangoUsers()
    used = found(f"{__name__}.named_claims")

    assert users in DjangoUsers.by_setting
    assert used == []
    assert unused.startswith("gatepass.W005: GATEPASS_CLAIMS is set, and the Auth of GATEPASS_AUTH")
    assert missing.startswith("gatepass.E001: GATEPASS_CLAIMS: Module")


ADMIN: Any = auth.required(roles=["admin"], fresh=timedelta(minutes=5))


class Reports(APIView):
    """Guarded by a permission."""

    permission_classes = (ADMIN,)

    def get(self, request: Any) -> Response:
        return Response({"for": request.auth.subject, "same": request.gatepass is request.auth})


class Mine(APIView):
    """Guarded by whoever is authenticated."""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Any) -> Response:
        return Response({"for": str(request.user)})


@pytest.fixture
def rest_urls(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module: Any = types.ModuleType("urls_of_rest")
    module.urlpatterns = [path("reports", Reports.as_view()), path("mine", Mine.as_view())]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with override_settings(ROOT_URLCONF=module.__name__):
        yield


@pytest.mark.usefixtures("rest_urls")
def test_force_authenticate_of_rest_framework_asks_what_the_users_tokens_would_say(
    ada: User,
) -> None:
    client: Any = APIClient()
    client.force_authenticate(user=ada)
    plain = client.get("/reports")
    with override_settings(GATEPASS_CLAIMS=f"{__name__}.named_claims"):
        admin = client.get("/reports")
    client.force_authenticate(token=AccessClaims({"sub": "x", "role": "admin", "auth_time": 0}))
    stale = client.get("/reports")
    client.force_authenticate()

    assert (plain.status_code, plain.json()["code"]) == (403, "insufficient_scope")
    assert admin.json() == {"for": str(ada.pk), "same": True}
    assert (stale.status_code, stale.json()["code"]) == (401, "insufficient_user_authentication")
    assert client.get("/reports").status_code == 401


@pytest.mark.usefixtures("rest_urls")
def test_the_document_of_drf_spectacular_has_a_bearer_token() -> None:
    make: Any = SchemaGenerator
    generator = make()
    document = generator.get_schema(request=None, public=True)

    scheme = {"type": "http", "scheme": "bearer"}
    assert document["components"]["securitySchemes"] == {"gatepass": scheme}
    assert document["paths"]["/mine"]["get"]["security"] == [{"gatepass": []}]


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_settings_that_a_test_changes_leave_no_descriptor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/left.db")
    monkeypatch.setenv("JWT_ACCESS_SECRET", "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a")
    monkeypatch.setenv("JWT_REFRESH_SECRET", "Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6")
    of_others = ours()
    for _ in range(3):
        with override_settings(GATEPASS_AUTH=None):
            made: Any = get_auth()
            token = made.manager.issue("1").access_token
            request = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
            asyncio.run(made.acheck(DjangoRequest(request), Requirement()))
            del made
    for thread in ours() - of_others:  # they end by themselves
        thread.join(PATIENCE_S)

    left = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert [each for each in left if "left.db" in each] == []
