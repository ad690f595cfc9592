"""Sessions of users that change in a transaction: they follow its commit, or its rollback."""

import unittest
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import Client, TestCase, override_settings

from gatepass.django import Auth
from gatepass.django.conf import get_auth
from gatepass.errors import StoreUnavailable, SubjectEpochChanged
from gatepass.http import RequestRefused
from tests.django.auth import heard, store
from tests.django.conftest import PASSWORD
from tests.django.test_users import deactivate, set_password


@pytest.fixture(params=["auth", "async_auth"])
def auth(request: pytest.FixtureRequest) -> Iterator[Auth]:
    """The project's `Auth`, over a manager of either kind."""
    with override_settings(GATEPASS_AUTH=f"tests.django.auth.{request.param}"):
        yield get_auth()


class Ask:
    """A manager's methods, waited for."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._auth.manager, name)
        return lambda *args, **kwargs: self._auth.wait_for(method(*args, **kwargs))


@pytest.fixture
def ask(auth: Auth) -> Ask:
    return Ask(auth)


def live(ask: Ask, user: User) -> set[str]:
    return {session.session_id for session in ask.sessions(str(user.pk))}


def test_at_the_commit_every_session_before_it_ends(ask: Ask, ada: User) -> None:
    subject = str(ada.pk)
    before = ask.issue(subject).session_id
    with transaction.atomic():
        set_password(ada)
        epoch = ask.subject_epoch(subject)
        old = ask.issue(subject, epoch=epoch).session_id  # the old password still counts
        meanwhile = live(ask, ada)

    assert meanwhile == {before, old}
    assert live(ask, ada) == set()
    with pytest.raises(SubjectEpochChanged):
        ask.issue(subject, epoch=epoch)


def test_an_actor_may_open_a_session_behind_the_change(auth: Auth, ask: Ask, ada: User) -> None:
    with transaction.atomic():
        set_password(ada)
        auth.log_in(str(ada.pk), session_claims={"act": {"sub": "support-7"}})

    assert len(live(ask, ada)) == 1


def test_events_follow_the_commit(auth: Auth, ask: Ask, ada: User) -> None:
    subject = str(ada.pk)
    ask.issue(subject)
    heard.clear()
    with transaction.atomic():
        set_password(ada)
        auth.log_in(subject)
        assert heard == []

    told = [(str(event.kind), event.subject) for event in heard]
    assert told == [
        ("subject_revoked", subject),
        ("password_changed", subject),
        ("logged_in", subject),
    ]


def test_a_change_that_is_rolled_back_makes_no_event(ask: Ask, ada: User) -> None:
    ask.issue(str(ada.pk))
    heard.clear()
    with suppress(RuntimeError), transaction.atomic():
        deactivate(ada)
        raise RuntimeError
    assert heard == []

    ada.refresh_from_db()
    deactivate(ada)
    assert [str(event.kind) for event in heard][-1] == "account_disabled"


def delete(user: User) -> None:
    user.delete()


@pytest.mark.parametrize("change", [set_password, deactivate, delete])
@pytest.mark.parametrize("outer", [False, True], ids=["whole", "savepoint"])
def test_a_change_that_is_rolled_back_ends_nothing(
    change: Callable[[User], object], ask: Ask, ada: User, *, outer: bool
) -> None:
    subject = str(ada.pk)
    session = ask.issue(subject).session_id

    def change_and_fail() -> None:
        with suppress(InterruptedError), transaction.atomic():
            change(User.objects.get(pk=subject))
            raise InterruptedError

    if outer:
        with transaction.atomic():
            change_and_fail()
            opened = get_auth().log_in(subject)
    else:
        change_and_fail()
        opened = get_auth().log_in(subject)

    assert opened.status_code == 200
    assert len(live(ask, ada)) == 2
    assert session in live(ask, ada)


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    atomic = {**connections.settings["default"], "ATOMIC_REQUESTS": True}
    monkeypatch.setitem(connections.settings, "default", atomic)


@pytest.mark.usefixtures("atomic_requests")
def test_a_view_in_a_transaction_logs_in_with_the_password_that_it_sets(
    ask: Ask, client: Client, ada: User
) -> None:
    before = ask.issue(str(ada.pk)).session_id
    answer = client.post("/new-password")
    refreshed = ask.sessions(str(ada.pk))

    assert answer.status_code == 200
    assert [session.session_id for session in refreshed] == [answer.json()["session_id"]]
    assert before not in live(ask, ada)
    access = client.cookies["gatepass-access"].value
    refresh = client.cookies["gatepass-refresh"].value
    assert ask.verify(access).subject == str(ada.pk)
    assert ask.refresh(refresh).session_id == answer.json()["session_id"]


@pytest.mark.usefixtures("atomic_requests")
def test_a_view_that_fails_behind_its_login_changes_and_ends_nothing(
    ask: Ask, client: Client, ada: User
) -> None:
    before = ask.issue(str(ada.pk)).session_id
    answer = client.post("/new-password?fail")
    ada.refresh_from_db()

    assert answer.status_code == 429
    assert ada.check_password(PASSWORD)
    assert live(ask, ada) == {before}


def test_an_async_login_behind_the_change_waits_for_the_commit_too(
    auth: Auth, ask: Ask, ada: User
) -> None:
    before = ask.issue(str(ada.pk)).session_id
    with transaction.atomic():
        set_password(ada)
        async_to_sync(auth.alog_in)(str(ada.pk))
        meanwhile = live(ask, ada)

    assert meanwhile == {before}
    assert len(live(ask, ada)) == 1
    assert before not in live(ask, ada)


def fail() -> None:
    raise InterruptedError


def test_sessions_end_and_open_though_a_callback_of_the_project_raises_at_the_commit(
    auth: Auth, ask: Ask, ada: User
) -> None:
    before = ask.issue(str(ada.pk)).session_id
    with suppress(InterruptedError), transaction.atomic():
        transaction.on_commit(fail)
        with transaction.atomic():
            set_password(ada)
        auth.log_in(str(ada.pk))

    assert len(live(ask, ada)) == 1
    assert before not in live(ask, ada)


def test_a_second_change_ends_the_session_that_opened_behind_the_first(
    auth: Auth, ask: Ask, ada: User
) -> None:
    with suppress(InterruptedError), transaction.atomic():
        transaction.on_commit(fail)
        set_password(ada)
        auth.log_in(str(ada.pk))
        deactivate(ada)

    assert live(ask, ada) == set()


def test_a_login_behind_the_change_still_compares_its_epoch(
    auth: Auth, ask: Ask, ada: User
) -> None:
    subject = str(ada.pk)
    epoch = ask.subject_epoch(subject)
    with transaction.atomic():
        set_password(ada)
        auth.log_in(subject, epoch=epoch)
        ask.revoke_subject(subject)
        with pytest.raises(RequestRefused):
            auth.log_in(subject, epoch=epoch)

    assert len(live(ask, ada)) == 1


def test_a_login_of_somebody_else_waits_for_nothing(auth: Auth, ask: Ask, ada: User) -> None:
    with transaction.atomic():
        set_password(ada)
        auth.log_in("somebody else")

        assert ask.sessions("somebody else")
        ask.revoke_subject("somebody else")


def test_a_transaction_of_another_database_is_not_waited_for(ask: Ask, ada: User) -> None:
    ask.issue(str(ada.pk))
    with transaction.atomic(using="other"):
        set_password(ada)

        assert live(ask, ada) == set()


def test_sessions_that_could_not_be_ended_after_the_commit_are_told(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    def change() -> None:
        with transaction.atomic():
            set_password(ada)
            store.is_down = True

    with pytest.raises(StoreUnavailable):
        change()
    ada.refresh_from_db()

    assert not ada.check_password(PASSWORD)
    assert f"the sessions of subject {ada.pk} live on" in caplog.text


def test_a_test_case_whose_transaction_never_commits_sees_the_sessions_end(ask: Ask) -> None:
    class Case(TestCase):
        def check(self) -> None:
            user = User.objects.create_user("bob", password=PASSWORD)
            subject = str(user.pk)
            ask.issue(subject)
            set_password(user)
            assert live(ask, user) == set()
            get_auth().log_in(subject)
            assert len(live(ask, user)) == 1

        def check_captured(self) -> None:
            users = [User.objects.create_user(name, password=PASSWORD) for name in ("bob", "eve")]
            transaction.on_commit(fail)
            for user in users:
                ask.issue(str(user.pk))
                with (
                    self.captureOnCommitCallbacks(execute=True) as captured,
                    transaction.atomic(),
                ):
                    set_password(user)
                assert len(captured) == 1
                assert live(ask, user) == set()

    cases = [Case("check"), Case("check_captured")]
    result = unittest.TestSuite(cases).run(unittest.TestResult())

    assert result.testsRun == 2
    assert result.errors == result.failures == []
