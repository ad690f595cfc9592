"""Which user a subject or a user name stands for."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client, override_settings

from gatepass.django import DjangoUsers
from tests.django.auth import manager
from tests.django.conftest import PASSWORD
from tests.django.people.models import Member, Person

users = DjangoUsers()


@pytest.fixture
def people() -> Iterator[None]:
    yield
    manager.revoke_all()  # their keys are those of other tests' users too
    for model in (Person, Member):
        model._default_manager.all().delete()


def answers(client: Client, subject: str) -> dict[str, str]:
    """What a guard that loads the user, and a refresh, say to a token of this subject."""
    pair = manager.issue(subject)
    bearer = {"Authorization": f"Bearer {pair.access_token}"}
    body = {"refresh_token": pair.refresh_token}
    guarded = client.get("/rest-user", headers=bearer)
    refreshed = client.post("/api/auth/refresh", body, content_type="application/json")
    return {"guard": guarded.json().get("code", ""), "refresh": refreshed.json().get("code", "")}


GOOD = {"guard": "", "refresh": ""}
NOBODY = {"guard": "token_revoked", "refresh": "refresh_revoked"}


def test_a_subject_is_a_primary_key_in_one_spelling_only(client: Client, ada: User) -> None:
    key = str(ada.pk)
    others = [f" {key}", f"{key} ", f"+{key}", f"0{key}", f"{key}.0", f"{key}e0"]
    others += ["".join(chr(0xFF10 + int(digit)) for digit in key), "1" * 30, "x", "True"]

    assert answers(client, key) == GOOD
    assert {other: answers(client, other) for other in others} == dict.fromkeys(others, NOBODY)


@pytest.mark.parametrize("load", [users.load_claims, async_to_sync(users.aload_claims)])
@pytest.mark.parametrize("of_the_actor", ["active", "inactive", "gone", "misspelt"])
def test_only_an_active_user_goes_on_acting_as_another(
    load: Callable[..., Any], of_the_actor: str, ada: User
) -> None:
    support = User.objects.create_user("support")
    claims = {"act": {"sub": f" {support.pk}" if of_the_actor == "misspelt" else str(support.pk)}}
    if of_the_actor == "inactive":  # an update ends no session by itself
        User.objects.filter(pk=support.pk).update(is_active=False)
    elif of_the_actor == "gone":
        support.delete()

    loaded = load(str(ada.pk), claims)
    User.objects.filter(username="support").delete()

    assert loaded == ({"username": "ada"} if of_the_actor == "active" else None)


@override_settings(AUTH_USER_MODEL="people.Person")
@pytest.mark.usefixtures("people")
def test_a_subject_of_a_model_with_uuids_is_one_in_its_own_spelling(client: Client) -> None:
    person = Person.objects.create(name="ada")
    key = str(person.pk)
    others = ["1", "ada", key.upper(), person.pk.hex, f"{{{key}}}", str(uuid.uuid4())]

    assert answers(client, key) == GOOD
    assert {other: answers(client, other) for other in others} == dict.fromkeys(others, NOBODY)


@override_settings(
    AUTH_USER_MODEL="people.Person",
    AUTHENTICATION_BACKENDS=["tests.django.backends.FirstPerson"],
)
@pytest.mark.usefixtures("people")
def test_people_without_a_natural_key_log_in_by_what_the_backend_says() -> None:
    for password in ("another password", PASSWORD):
        person = Person(name="ada")
        person.set_password(password)
        person.save()
    identity: Any = users.authenticate("ada", PASSWORD)

    assert identity.subject == str(person.pk)
    assert users.authenticate("ada", "a wrong password") is None


@override_settings(AUTH_USER_MODEL="people.Member")
@pytest.mark.usefixtures("people")
def test_a_name_that_two_users_have_is_nobodys(client: Client) -> None:
    for name in ("ada", "Ada", "bob"):
        member = Member(name=name)
        member.set_password(PASSWORD)
        member.save()
    answered = {
        name: client.post(
            "/api/auth/login",
            {"username": name, "password": PASSWORD},
            content_type="application/json",
        ).json()
        for name in ("ADA", "BOB")
    }

    assert answered["ADA"]["code"] == "invalid_credentials"
    assert "access_token" in answered["BOB"]
