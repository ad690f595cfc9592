"""What a project is told: checks, the command, and which `Auth` it gets."""

import asyncio
import inspect
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import override_settings

from gatepass import AccessClaims, AsyncTokenVerifier, TokenManager, TokenVerifier
from gatepass.django import Auth, HttpPolicy, Https
from gatepass.django.checks import check_settings
from gatepass.django.conf import get_auth
from gatepass.http import Requirement
from gatepass.server.secrets import generate_secret
from tests.django.auth import ACCESS, async_auth, auth, manager, waiting

VERIFIER = TokenVerifier(ACCESS, issuer="api-server", audience="api-client")
STRICT = Auth(manager, http=HttpPolicy(https=Https()))
RESOURCE = Auth(VERIFIER)
NOTHING = object()


def refuse_to_be_made() -> Auth:
    raise ValueError("a sentence")


def ids(**settings: Any) -> list[str]:
    with override_settings(**settings):
        return [str(found.id) for found in check_settings()]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET"):
        monkeypatch.setenv(name, generate_secret())


def test_the_app_has_a_label_of_its_own() -> None:
    assert apps.get_app_config("gatepass").name == "gatepass.django"


def test_the_checks_name_what_would_fail_or_be_unsafe() -> None:
    here = "tests.django.test_project"

    assert ids(DEBUG=True) == []
    assert ids() == ["gatepass.W001", "gatepass.W002"]
    assert ids(SECURE_SSL_REDIRECT=True) == ["gatepass.W001"]
    assert ids(GATEPASS_AUTH=f"{here}.STRICT") == []
    assert ids(GATEPASS_AUTH=f"{here}.STRICT", MIDDLEWARE=[]) == ["gatepass.E002"]
    assert ids(GATEPASS_AUTH=f"{here}.NOTHING") == ["gatepass.E001"]
    assert ids(GATEPASS_AUTH=f"{here}.missing") == ["gatepass.E001"]
    assert ids(GATEPASS_AUTH=f"{here}.refuse_to_be_made") == ["gatepass.E001"]


def test_a_database_in_a_folder_that_is_missing_is_found_by_the_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/gate.db")
    with override_settings(GATEPASS_AUTH=None):
        [found] = check_settings()

    assert found.id == "gatepass.E001"
    assert found.msg.endswith(f"folder does not exist: {tmp_path}/nowhere, make it first")


def test_settings_that_are_no_names_are_found_by_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///gate.db")
    wrong: list[dict[str, Any]] = [
        {"GATEPASS_AUTH": STRICT},
        {"GATEPASS_AUTH": "tests.django.auth.manager"},
        {"GATEPASS_AUTH": None, "GATEPASS_CLAIMS": dict},
        {"GATEPASS_AUTH": None, "GATEPASS_CLAIMS": "tests.django.test_project.NOTHING"},
    ]
    for settings in wrong:
        with override_settings(**settings):
            [found] = check_settings()
        assert found.id == "gatepass.E001"
        assert "names a" in found.msg
        assert ', as in "accounts.' in found.msg


def test_something_else_under_the_name_is_refused() -> None:
    with (
        override_settings(GATEPASS_AUTH="tests.django.test_project.dict"),
        pytest.raises((ImproperlyConfigured, ImportError)),
    ):
        get_auth()


def test_without_a_name_the_auth_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/gate.db")
    said = StringIO()
    with override_settings(GATEPASS_AUTH=None):
        call_command("gatepass_upgrade", stdout=said)
        made = get_auth()
        assert isinstance(made.manager, TokenManager)
        token = made.manager.issue("7").access_token
        request = Request(f"Bearer {token}")
        later = check_later(made, request)

    assert said.getvalue() == "the tables of gatepass are up to date\n"
    assert later is not None
    assert later.subject == "7"


def test_tables_are_not_made_where_everybody_can_plant_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/gate.db")
    tmp_path.chmod(0o1777)
    with (
        override_settings(GATEPASS_AUTH=None),
        pytest.raises(CommandError, match="can be written by everybody"),
    ):
        call_command("gatepass_upgrade")

    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_says_too_little_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("JWT_ACCESS_SECRET", raising=False)
    with override_settings(GATEPASS_AUTH=None):
        found = [str(one) for one in check_settings()]
        with pytest.raises(CommandError, match="JWT_ACCESS_SECRET is not set"):
            call_command("gatepass_upgrade")

    assert len(found) == 1
    assert "JWT_ACCESS_SECRET is not set" in found[0]


def test_upgrading_what_has_no_tables_says_so() -> None:
    said = StringIO()
    with override_settings(GATEPASS_AUTH="tests.django.test_project.RESOURCE"):
        call_command("gatepass_upgrade", stdout=said)

    assert said.getvalue() == "this Auth has no tables\n"


class Request:
    """As little of a request as a guard reads."""

    method, scheme, path, query, peer = "GET", "http", "/", "", ""

    def __init__(self, authorization: str) -> None:
        self._authorization = authorization

    def header(self, name: str) -> list[str]:
        return [self._authorization] if name == "authorization" else []


def check_later(made: Auth, request: Request) -> AccessClaims | None:
    """What an async view is told."""

    async def check() -> AccessClaims | None:
        return await made.acheck(request, Requirement())

    return asyncio.run(check())


@pytest.mark.parametrize("made", [auth, RESOURCE, async_auth])
def test_every_auth_serves_views_of_both_kinds(made: Auth) -> None:
    issuer = waiting if made is async_auth else manager
    issued = issuer.issue("7")
    pair = asyncio.run(issued) if asyncio.iscoroutine(issued) else issued
    request = Request(f"Bearer {pair.access_token}")
    now, later = made.check(request, Requirement()), check_later(made, request)

    assert now is not None
    assert now["sub"] == "7"
    assert later == now


def test_a_twin_is_of_the_other_kind() -> None:
    twin = AsyncTokenVerifier(ACCESS, issuer="api-server", audience="api-client")

    assert Auth(VERIFIER, twin=twin).gate is None
    with pytest.raises(TypeError, match="twin"):
        Auth(manager, twin=VERIFIER)
    with pytest.raises(TypeError, match="twin"):
        Auth(waiting, twin=twin)


def test_under_an_async_auth_the_routes_are_async_too() -> None:
    from gatepass.django.views import make_view  # noqa: PLC0415 - makes it under this setting
    from gatepass.gate.routes import LOGIN  # noqa: PLC0415

    with override_settings(GATEPASS_AUTH="tests.django.auth.async_auth"):
        assert inspect.iscoroutinefunction(make_view(LOGIN))
