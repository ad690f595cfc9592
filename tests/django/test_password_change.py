"""Django users change their own passwords through the auth routes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connections
from django.db.models.signals import post_save
from django.test import Client, RequestFactory, override_settings

from gatepass.django.conf import get_auth
from gatepass.django.requests import DjangoRequest
from gatepass.gate.routes import PASSWORD as ROUTE
from tests.django.auth import ORIGIN, heard, manager, store, users, waiting
from tests.django.conftest import PASSWORD

NEW = "another password for ada"
VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]


def change(
    client: Client, token: str, current: str = PASSWORD, new: str = NEW, **more: Any
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"current_password": current, "new_password": new}
    answer = client.post(
        "/api/auth/password", body, content_type="application/json", headers=headers, **more
    )
    return answer.status_code, answer.json()


def live(user: User) -> set[str]:
    return {session.session_id for session in manager.sessions(str(user.pk))}


def is_password(user: User, password: str) -> bool:
    return User.objects.get(pk=user.pk).check_password(password)


@pytest.fixture(params=["autocommit", "ATOMIC_REQUESTS"])
def requests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    atomic = request.param == "ATOMIC_REQUESTS"
    settings = {**connections.settings["default"], "ATOMIC_REQUESTS": atomic}
    monkeypatch.setitem(connections.settings, "default", settings)


@pytest.mark.usefixtures("requests")
def test_a_user_changes_the_password_and_stays_logged_in_here_alone(
    client: Client, ada: User
) -> None:
    here, there = manager.issue(str(ada.pk)), manager.issue(str(ada.pk))
    heard.clear()

    assert change(client, here.access_token) == (200, {"message": "Password changed"})

    assert [e.session_id for e in heard if str(e.kind) == "password_changed"] == [here.session_id]
    assert is_password(ada, NEW)
    assert live(ada) == {here.session_id}
    assert manager.refresh(here.refresh_token).session_id == here.session_id
    assert there.session_id not in live(ada)
    assert change(client, here.access_token) == (200, {"message": "Password changed"})


@pytest.mark.usefixtures("requests")
def test_a_log_in_between_the_hash_and_the_end_of_sessions_ends_too(
    client: Client, ada: User
) -> None:
    here = manager.issue(str(ada.pk))

    def log_in(**_: Any) -> None:
        manager.issue(str(ada.pk))

    post_save.connect(log_in, sender=User)
    try:
        assert change(client, here.access_token)[0] == 200
    finally:
        post_save.disconnect(log_in, sender=User)

    assert live(ada) == {here.session_id}


@pytest.mark.usefixtures("requests")
def test_a_wrong_password_or_one_that_a_validator_rejects_changes_nothing(
    client: Client, ada: User
) -> None:
    here, there = manager.issue(str(ada.pk)), manager.issue(str(ada.pk))
    with override_settings(AUTH_PASSWORD_VALIDATORS=VALIDATORS):
        wrong = change(client, here.access_token, current="a guess of it")
        short = change(client, here.access_token, new="1234567")

    assert wrong == (403, {"error": "Wrong current password", "code": "password_wrong"})
    assert short == (
        400,
        {
            "error": "This password is too short. It must contain at least 12 characters. "
            "This password is entirely numeric.",
            "code": "password_rejected",
        },
    )
    assert is_password(ada, PASSWORD)
    assert live(ada) == {here.session_id, there.session_id}


def test_a_page_changes_it_by_cookie_with_its_csrf_token_alone(client: Client, ada: User) -> None:
    form = json.dumps({"username": "ada", "password": PASSWORD, "cookies": True})
    origin = {"Origin": ORIGIN}
    logged_in = client.post(
        "/api/auth/login", form, content_type="application/json", headers=origin
    )
    body = json.dumps({"current_password": PASSWORD, "new_password": NEW})
    answers = [
        client.post("/api/auth/password", body, content_type="application/json", headers=headers)
        for headers in (
            {},
            origin,
            {"Origin": "https://evil.example", "X-CSRF-Token": logged_in.json()["csrf_token"]},
            origin | {"X-CSRF-Token": logged_in.json()["csrf_token"]},
        )
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 200]
    assert {answer.json()["code"] for answer in answers[:3]} == {"csrf_failed"}
    assert not answers[3].cookies
    assert len(live(ada)) == 1


@pytest.fixture
def outage() -> Iterator[None]:
    """The store fails as soon as a user has been saved."""

    def fail(**_: Any) -> None:
        store.is_down = True

    post_save.connect(fail, sender=User)
    yield
    post_save.disconnect(fail, sender=User)
    store.is_down = False


def test_a_store_that_fails_after_the_commit_is_told_and_repeating_ends_the_sessions(
    client: Client, ada: User, outage: None
) -> None:
    del outage
    here, there = manager.issue(str(ada.pk)), manager.issue(str(ada.pk))

    assert change(client, here.access_token)[1]["code"] == "store_unavailable"
    store.is_down = False
    assert is_password(ada, NEW)
    assert live(ada) == {here.session_id, there.session_id}
    assert change(client, here.access_token)[0] == 200
    assert live(ada) == {here.session_id}


def test_a_store_that_is_down_before_keeps_the_old_password(client: Client, ada: User) -> None:
    here = manager.issue(str(ada.pk))
    store.is_down = True

    assert change(client, here.access_token)[0] == 503
    assert is_password(ada, PASSWORD)


def test_who_may_not_log_in_has_no_password_to_change(ada: User) -> None:
    subject = str(ada.pk)
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert not users.change_password(subject, PASSWORD, NEW)
    assert not users.change_password("nobody", PASSWORD, NEW)
    User.objects.filter(pk=ada.pk).update(is_active=True)
    ada.set_unusable_password()
    ada.save()
    assert not users.change_password(subject, PASSWORD, NEW)


def test_over_an_async_manager_this_session_stays_too(ada: User) -> None:
    issue, sessions = async_to_sync(waiting.issue), async_to_sync(waiting.sessions)
    subject = str(ada.pk)
    with override_settings(GATEPASS_AUTH="tests.django.auth.async_auth"):
        here, _ = issue(subject), issue(subject)
        request = RequestFactory().post(
            "/api/auth/password",
            json.dumps({"current_password": PASSWORD, "new_password": NEW}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {here.access_token}"},
        )
        answer = async_to_sync(get_auth().answer)(
            ROUTE, DjangoRequest(request), lambda: request.body
        )

    assert answer.status == 200
    assert [each.session_id for each in sessions(subject)] == [here.session_id]
    assert is_password(ada, NEW)
