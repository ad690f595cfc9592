"""Answers that are lost: no event for an outage, and one for the repeat that succeeds."""

from typing import Any

import pytest

from gatepass.errors import SessionRevoked, StoreUnavailable
from gatepass.events.stores import _REMEMBERED
from gatepass.sessions import RevokeKind
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.manager.conftest import Clock, Heard, Make


class Losing:
    """A store whose next answers are lost: it does the work, and the caller hears of an outage."""

    def __init__(self, store: Any) -> None:
        self.store, self.loses = store, 0
        self.is_async = store.is_async

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.store, name)
        if name not in {"issue", "rotate", "revoke_session", "revoke_token", "revoke_subject"}:
            return value
        return self._awaited(value) if self.is_async else self._blocking(value)

    def _blocking(self, operation: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            return self._answer(operation(*args, **options))

        return call

    def _awaited(self, operation: Any) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            return self._answer(await operation(*args, **options))

        return call

    def _answer(self, fact: Any) -> Any:
        if not self.loses:
            return fact
        self.loses -= 1
        raise StoreUnavailable


def lose(store: Losing, operation: Any) -> None:
    store.loses = 1
    with pytest.raises(StoreUnavailable):
        operation()


@pytest.fixture
def losing(make: Make, clock: Clock) -> Losing:
    is_async = make().store.is_async
    return Losing(AsyncMemoryStore(clock=clock) if is_async else MemoryStore(clock=clock))


def test_a_lost_answer_and_its_repeat_make_one_event(
    make: Make, heard: Heard, losing: Losing
) -> None:
    manager = make(on_event=heard, store=losing)
    pair = manager.issue("ada")
    assert heard.since() == ["logged_in"]

    lose(losing, lambda: manager.refresh(pair.refresh_token))
    assert heard == []
    pair = manager.refresh(pair.refresh_token)
    assert heard.since() == ["refresh_replayed"]

    lose(losing, lambda: manager.log_out(refresh_token=pair.refresh_token))
    assert heard == []
    for _ in range(3):
        manager.log_out(refresh_token=pair.refresh_token)
    assert heard.since() == ["logged_out"]

    lose(losing, lambda: manager.log_out(refresh_token=pair.refresh_token))
    manager.log_out(refresh_token=pair.refresh_token)
    lose(losing, lambda: manager.revoke_subject("ada"))
    manager.revoke_subject("ada")
    assert heard.since() == ["subject_revoked"]


def test_a_reuse_whose_answer_was_lost_is_told_by_its_repeat(
    make: Make, heard: Heard, losing: Losing
) -> None:
    manager = make(on_event=heard, store=losing, rotation_leeway=0)
    pair = manager.issue("ada")
    manager.refresh(pair.refresh_token)
    heard.clear()

    lose(losing, lambda: manager.refresh(pair.refresh_token))
    assert heard == []
    for _ in range(3):
        with pytest.raises(SessionRevoked):
            manager.refresh(pair.refresh_token)

    assert heard.kinds == ["refresh_reused"]


def test_of_two_that_repeat_at_once_one_is_told(
    make: Make, heard: Heard, losing: Losing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that finds the session ended is heard before the one that ended it."""
    manager = make(on_event=heard, store=losing)
    pair = manager.issue("ada")
    heard.clear()

    lose(losing, lambda: manager.revoke_session(pair.session_id))
    with monkeypatch.context() as patch:
        facts = iter([RevokeKind.ALREADY, RevokeKind.REVOKED, RevokeKind.ALREADY])
        patch.setattr(losing, "_answer", lambda _: next(facts))
        answers = [manager.revoke_session(pair.session_id) for _ in range(3)]

    assert answers == [False, True, False]
    assert heard.since() == ["session_revoked"]


def test_doubts_about_old_sessions_are_forgotten(make: Make, heard: Heard, losing: Losing) -> None:
    manager = make(on_event=heard, store=losing)
    first = manager.issue("ada")
    lose(losing, lambda: manager.revoke_session(first.session_id))
    for number in range(_REMEMBERED):
        lose(losing, lambda number=number: manager.revoke_session(f"another {number}"))
    heard.clear()

    assert not manager.revoke_session(first.session_id)
    assert heard == []
