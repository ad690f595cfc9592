"""What happens to sessions when users change."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.signals import pre_save
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gatepass.errors import StoreUnavailable
from tests.django.auth import manager, store
from tests.django.conftest import PASSWORD

Change = Callable[[User], object]


def sessions(user: User) -> int:
    return len(manager.sessions(str(user.pk)))


@pytest.fixture
def logged_in(ada: User) -> User:
    manager.issue(str(ada.pk))
    return ada


class Proxy(User):
    """The same users under another model."""

    class Meta:
        proxy = True
        app_label = "auth"


def set_password(user: User) -> None:
    user.set_password("another password")
    user.save()


def set_password_alone(user: User) -> None:
    user.set_password("another password")
    user.save(update_fields=["password"])


def assign_a_hash(user: User) -> None:
    user.password = make_password("another password")
    user.save()


def assign_a_hash_alone(user: User) -> None:
    user.password = make_password("another password")
    user.save(update_fields=["password"])


def set_the_same_password(user: User) -> None:
    user.set_password(PASSWORD)
    user.save()


def make_unusable(user: User) -> None:
    user.set_unusable_password()
    user.save()


def save_by_proxy(user: User) -> None:
    proxy = Proxy.objects.get(pk=user.pk)
    proxy.set_password("another password")
    proxy.save()


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


@pytest.mark.parametrize(
    "change",
    [
        set_password,
        set_password_alone,
        assign_a_hash,
        assign_a_hash_alone,
        set_the_same_password,
        make_unusable,
        save_by_proxy,
        deactivate,
        User.delete,
    ],
)
def test_a_change_that_matters_ends_the_sessions(change: Change, logged_in: User) -> None:
    subject = str(logged_in.pk)
    change(logged_in)

    assert manager.sessions(subject) == []


def rename(user: User) -> None:
    user.first_name = "Ada"
    user.save()


def save_something_else(user: User) -> None:
    user.set_password("not saved")
    user.is_active = False
    user.save(update_fields=["first_name"])


def upgrade_the_hash(user: User) -> None:
    old = make_password(PASSWORD, hasher="md5")
    User.objects.filter(pk=user.pk).update(password=old)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    user.refresh_from_db()
    assert user.password != old


def activate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.refresh_from_db()
    user.is_active = True
    user.save()


def update_without_a_signal(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize(
    "change", [rename, save_something_else, upgrade_the_hash, activate, update_without_a_signal]
)
def test_what_changes_nothing_ends_nothing(change: Change, logged_in: User) -> None:
    change(logged_in)

    assert sessions(logged_in) == 1


def test_a_new_user_and_another_model_are_nobodys_business(ada: User) -> None:
    epoch = manager.subject_epoch(str(ada.pk))
    ada.groups.create(name="writers").delete()

    assert manager.subject_epoch(str(ada.pk)) == epoch


@pytest.mark.parametrize("surroundings", [transaction.atomic, nullcontext])
def test_a_password_is_not_changed_while_sessions_cannot_be_ended(
    surroundings: Callable[[], AbstractContextManager[None]], logged_in: User
) -> None:
    store.is_down = True
    with pytest.raises(StoreUnavailable), surroundings():
        set_password(logged_in)
    logged_in.refresh_from_db()

    assert logged_in.check_password(PASSWORD)


@pytest.mark.parametrize("surroundings", [transaction.atomic, nullcontext])
def test_nobody_is_deactivated_while_sessions_cannot_be_ended(
    surroundings: Callable[[], AbstractContextManager[None]], logged_in: User
) -> None:
    store.is_down = True
    with pytest.raises(StoreUnavailable), surroundings():
        deactivate(logged_in)
    logged_in.refresh_from_db()

    assert logged_in.is_active


def test_a_log_in_between_the_end_of_the_sessions_and_the_save_is_ended_too(
    logged_in: User,
) -> None:
    subject = str(logged_in.pk)

    def log_in(instance: object, **_: object) -> None:
        if instance is logged_in:
            manager.issue(subject, epoch=manager.subject_epoch(subject))

    pre_save.connect(log_in)  # after our own: with the old password, which still counts
    try:
        set_password(logged_in)
    finally:
        pre_save.disconnect(log_in)

    assert manager.sessions(subject) == []


def test_somebody_inactive_neither_logs_in_nor_refreshes(client: Client, ada: User) -> None:
    pair = manager.issue(str(ada.pk))
    update_without_a_signal(ada)
    form = {"username": "ada", "password": PASSWORD}
    body = {"refresh_token": pair.refresh_token}
    log_in = client.post("/api/auth/login", form, content_type="application/json")
    refresh = client.post("/api/auth/refresh", body, content_type="application/json")

    assert log_in.json()["code"] == "invalid_credentials"
    assert refresh.json()["code"] == "refresh_revoked"


@pytest.mark.parametrize("username", ["a\0b", "\0"])
def test_a_user_name_that_no_database_can_look_for_is_nobodys(
    client: Client, username: str
) -> None:
    form = {"username": username, "password": PASSWORD}
    with CaptureQueriesContext(connection) as asked:
        response = client.post("/api/auth/login", form, content_type="application/json")

    assert response.json()["code"] == "invalid_credentials"
    assert len(asked) == 0
