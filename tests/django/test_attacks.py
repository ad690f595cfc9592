"""What an attacker, or a project's own set-up, tries: each test is named after its attack."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory, override_settings
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from gatepass import TokenIssuer, TokenVerifier
from gatepass.django import Auth
from gatepass.errors import StoreUnavailable
from gatepass.jose import SharedKey
from tests.django.auth import auth, manager
from tests.django.conftest import PASSWORD

CLAIMS = {"username": "ada", "role": "user", "scope": "read"}
OTHER = SharedKey.generate()
OTHERS = Auth(TokenVerifier(OTHER, issuer="other", audience="other"))


class Never(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        del request, view
        return False


class NeverSaysWhy(Never):
    message = "no, because"


READER = auth.required(scopes=["read"])
ADMIN = auth.required(roles=["admin"])
CALLER = auth.required()
ALWAYS: Any = AllowAny
HOWEVER: list[Any] = [{}, {"authentication_classes": (SessionAuthentication,)}]


def ask(token: str | None, *permissions: Any, **attributes: Any) -> tuple[int, Any]:
    """What a view with these permissions answers."""

    class View(APIView):
        permission_classes = permissions
        asks_of_objects = False

        def get(self, request: Any) -> Response:
            if self.asks_of_objects:
                self.check_object_permissions(request, object())
            return Response("in")

    for name, value in attributes.items():
        setattr(View, name, value)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    response = View.as_view()(RequestFactory().get("/", headers=headers))
    body = getattr(response, "data", None)
    if body is None:
        body = response.content.decode()
    return response.status_code, body


@pytest.fixture
def user() -> str:
    return manager.issue("user-7", CLAIMS).access_token


@pytest.mark.parametrize(
    "permission",
    [
        READER,
        READER & CALLER,
        READER | ADMIN,
        ADMIN | READER,
        ADMIN | ALWAYS,
        ALWAYS | ADMIN,
        Never | READER,  # type: ignore[operator]
        ~ADMIN & READER,
        READER & ~ADMIN,
        ~(READER & ADMIN),
        ~(Never | ADMIN),  # type: ignore[operator]
    ],
)
def test_composed_permissions_let_in_whom_they_mean(permission: Any, user: str) -> None:
    for attributes in HOWEVER:
        assert ask(user, permission, **attributes) == (200, "in")


@pytest.mark.parametrize(
    "permission",
    [
        ADMIN,
        ADMIN & ALWAYS,
        ALWAYS & ADMIN,
        ADMIN | Never,
        Never | ADMIN,  # type: ignore[operator]
        READER & ADMIN,
        ~READER | ADMIN,
        ~~ADMIN,
    ],
)
def test_composed_permissions_refuse_with_the_tables_answer(permission: Any, user: str) -> None:
    refused = '{"error":"Insufficient scope","code":"insufficient_scope"}'
    for attributes in HOWEVER:
        assert ask(user, permission, **attributes) == (403, refused)
        assert ask(None, ADMIN & permission, **attributes)[0] == 401


@pytest.mark.parametrize(
    ("permission", "status"),
    [(READER, 200), (ADMIN | READER, 200), (READER & CALLER, 200), (ADMIN | Never, 403)],
)
def test_composed_permissions_hold_for_objects_too(permission: Any, status: int, user: str) -> None:
    assert ask(user, permission, asks_of_objects=True)[0] == status


def test_a_permission_that_says_why_is_not_overruled_by_one_that_said_no_before(user: str) -> None:
    status, body = ask(user, ADMIN | ALWAYS, NeverSaysWhy)

    assert (status, str(body["detail"])) == (403, "no, because")


@pytest.mark.parametrize("attributes", [{}, {"authentication_classes": ()}])
@pytest.mark.parametrize("permission", [~CALLER, ~ADMIN, CALLER | ALWAYS])
def test_no_bad_token_gets_in_by_being_the_opposite_of_a_good_one(
    permission: Any, attributes: dict[str, Any], user: str
) -> None:
    pair = manager.issue("user-7", CLAIMS)
    manager.revoke_session(pair.session_id)

    assert ask(pair.access_token, permission, **attributes)[0] == 401
    assert ask(user[:-2], permission, **attributes)[0] == 403


def test_an_outage_is_no_to_every_composition(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable

    for guarding in (ADMIN, CALLER):
        monkeypatch.setattr(guarding._auth.guard, "_verify", fail, raising=True)

        assert ask(user, ~guarding | ALWAYS, authentication_classes=())[0] == 503


def test_a_token_of_the_projects_auth_does_not_open_what_another_auth_guards(user: str) -> None:
    theirs = TokenIssuer(OTHER, issuer="other", audience="other", lifetime=60).issue("user-7")

    assert ask(user, OTHERS.required())[0] == 403
    assert ask(theirs, OTHERS.required(), authentication_classes=())[0] == 200


@pytest.fixture
def by_address(ada: User) -> Iterator[User]:
    ada.email = "ada@example.com"
    ada.save()
    with override_settings(AUTHENTICATION_BACKENDS=["tests.django.backends.ByAddress"]):
        yield ada


def test_log_in_by_address_goes_on_after_sessions_were_revoked_and_loses_to_a_new_password(
    by_address: User, client: Client
) -> None:
    subject = str(by_address.pk)
    manager.revoke_subject(subject)
    form = {"username": "ada@example.com", "password": PASSWORD}
    good = client.post("/api/auth/login", form, content_type="application/json")
    bad = client.post(
        "/api/auth/login", form | {"password": "wrong"}, content_type="application/json"
    )

    assert (good.status_code, bad.status_code) == (200, 401)
    assert [session.subject for session in manager.sessions(subject)] == [subject]


def test_somebody_inactive_does_not_log_in_by_a_backend_that_does_not_ask(
    by_address: User, client: Client
) -> None:
    by_address.is_active = False
    by_address.save()
    form = {"username": "ada@example.com", "password": PASSWORD}
    answer = client.post("/api/auth/login", form, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_a_key_passes_guards_that_take_keys_and_no_other_permission(ada: User) -> None:
    issued = manager.issue_key(str(ada.pk), name="ci", scopes=("read",), expires="1d")
    both = auth.required(kinds={"session", "key"})

    passing: list[Any] = [(READER,), (both,), (READER, IsAuthenticated)]
    refusing: list[Any] = [(), (ALWAYS,), (IsAuthenticated,), (CALLER,), (CALLER, both)]
    for permissions in passing:
        assert ask(issued.key, *permissions)[0] == 200
    for permissions in [*refusing, (both | ALWAYS,)]:
        assert ask(issued.key, *permissions)[0] == 403
    manager.revoke_key(issued.key_id)
    assert ask(issued.key, READER)[0] == 401
