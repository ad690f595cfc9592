"""What a manager tells `on_event`: each fact once, after the store confirmed it."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from threading import Barrier
from typing import Any

import pytest

from gatepass import AsyncTokenManager, TokenManager, TokenPolicy
from gatepass.errors import (
    GatepassError,
    RefreshReused,
    SubjectEpochChanged,
)
from gatepass.events import Event, EventKind, about, note_subject
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.budget import PATIENCE_S
from tests.manager.conftest import Clock, Heard, Make


def inner_of(store: Any) -> Any:
    """The store in memory that does the work of either twin."""
    return store if isinstance(store, MemoryStore) else store._runner._store


def test_each_operation_tells_of_itself(make: Make, heard: Heard, clock: Clock) -> None:
    manager = make(on_event=heard, rotation_leeway=10, client_id="shop")
    pair = manager.issue("ada", device="Firefox")
    with about(address="192.0.2.7", device="curl"):
        manager.refresh(pair.refresh_token)
        manager.refresh(pair.refresh_token)
    clock.advance(11)
    with pytest.raises(RefreshReused):
        manager.refresh(pair.refresh_token)
    other = manager.issue("ada")
    manager.log_out(access_token=other.access_token)
    third = manager.issue("ada")
    claims = manager.verify(third.access_token)
    manager.revoke_token(claims)
    manager.revoke_token("of nobody")
    assert manager.revoke_session(third.session_id, reason="a guest")
    manager.revoke_subject("ada", reason="password changed")
    manager.revoke_all(reason="restored")
    manager.tell(EventKind.PASSWORD_CHANGED, subject="ada")

    assert manager.has_hook
    assert {event.client_id for event in heard} == {"shop"}
    assert [(e.kind, e.subject, e.session_id, e.reason) for e in heard] == [
        ("logged_in", "ada", pair.session_id, None),
        ("refreshed", "ada", pair.session_id, None),
        ("refresh_replayed", "ada", pair.session_id, None),
        ("refresh_reused", "ada", pair.session_id, None),
        ("logged_in", "ada", other.session_id, None),
        ("logged_out", "ada", other.session_id, "log-out"),
        ("logged_in", "ada", third.session_id, None),
        ("token_revoked", "ada", third.session_id, claims.token_id),
        ("token_revoked", None, None, "of nobody"),
        ("session_revoked", None, third.session_id, "a guest"),
        ("subject_revoked", "ada", None, "password changed"),
        ("everybody_revoked", None, None, "restored"),
        ("password_changed", "ada", None, None),
    ]
    assert [(e.address, e.device) for e in heard[:4]] == [
        (None, "Firefox"),
        ("192.0.2.7", "curl"),
        ("192.0.2.7", "curl"),
        (None, None),
    ]
    assert [e.at for e in heard[:4]] == [clock() - 11] * 3 + [clock()]
    told = repr([asdict(event) for event in heard])
    for one in (pair, other, third):
        assert one.access_token not in told
        assert one.refresh_token not in told


def test_a_rejected_operation_tells_nothing(make: Make, heard: Heard) -> None:
    manager = make(on_event=heard)
    epoch = manager.subject_epoch("ada")
    pair = manager.issue("ada")
    manager.log_out(refresh_token=pair.refresh_token)
    manager.revoke_subject("ada")
    heard.clear()
    for operation in (
        lambda: manager.issue("ada", epoch=epoch),
        lambda: manager.refresh(pair.refresh_token),
        lambda: manager.refresh(pair.access_token),
        lambda: manager.refresh(None),
        manager.log_out,
        lambda: manager.issue(""),
    ):
        with pytest.raises(GatepassError):
            operation()
    manager.log_out(refresh_token=pair.refresh_token)
    assert not manager.revoke_session(pair.session_id)
    assert not manager.revoke_session("of nobody")

    assert heard == []


def test_rotations_that_the_store_lost_are_told(make: Make, heard: Heard, clock: Clock) -> None:
    store: Any = make().store.__class__(clock=clock)
    manager = make(on_event=heard, store=store)
    pair = manager.issue("ada")
    rows = inner_of(store)._rows
    before = dict(rows)
    later = manager.refresh(manager.refresh(pair.refresh_token).refresh_token)
    rows.update(before)
    heard.clear()

    manager.refresh(later.refresh_token)

    assert heard.kinds == ["session_moved_forward"]


def test_a_login_that_its_actors_end_overtook_is_told_as_both(make: Make, clock: Clock) -> None:
    seen = Heard()

    class Overtaken:
        """A store in which the actor is revoked as soon as the session is there."""

        def __init__(self, store: Any) -> None:
            self.store, self.is_async = store, store.is_async

        def __getattr__(self, name: str) -> Any:
            return getattr(self.store, name)

        def issue(self, plan: Any) -> Any:
            inner = inner_of(self.store)
            session = inner.issue(plan)
            inner._epochs.increment(plan.actor, 0)

            async def answer() -> Any:
                return session

            return answer() if self.is_async else session

    store = Overtaken(make().store.__class__(clock=clock))
    manager = make(on_event=seen, store=store)
    with pytest.raises(SubjectEpochChanged):
        manager.issue("ada", session_claims={"act": {"sub": "eve"}})

    assert seen.kinds == ["logged_in", "session_revoked"]


def test_of_racing_callers_one_is_told(heard: Heard) -> None:
    keys = SharedKey.generate(), SharedKey.generate()
    manager = TokenManager(
        TokenPolicy(issuer="i", audience="a", rotation_leeway=0),
        access_keys=keys[0],
        refresh_keys=keys[1],
        store=MemoryStore(),
        on_event=heard,
    )
    callers = 8
    with ThreadPoolExecutor(callers) as pool:
        for operation in (manager.refresh, lambda token: manager.log_out(refresh_token=token)):
            token = manager.issue("ada").refresh_token
            heard.clear()
            barrier = Barrier(callers)

            def call(
                _: int, operation: Any = operation, token: str = token, barrier: Any = barrier
            ) -> None:
                barrier.wait(PATIENCE_S)
                with suppress(GatepassError):
                    operation(token)

            list(pool.map(call, range(callers)))
            kinds = sorted(heard.kinds)
            assert kinds in (["refresh_reused", "refreshed"], ["logged_out"])


def test_a_hook_that_fails_harms_nobody(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    def hook(event: Event) -> None:
        raise RuntimeError(event.kind)

    manager = make(on_event=hook)
    pair = manager.issue("ada")
    manager.refresh(pair.refresh_token)

    told = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert told == ["on_event failed for logged_in", "on_event failed for refreshed"]
    assert pair.refresh_token not in caplog.text


async def hear(_: Event) -> None:
    """A coroutine function as a hook."""


def test_a_sync_manager_takes_no_coroutine_function() -> None:
    keys = SharedKey.generate(), SharedKey.generate()
    policy = TokenPolicy(issuer="i", audience="a")
    with pytest.raises(TypeError, match="on_event is a coroutine function: use AsyncTokenManager"):
        TokenManager(
            policy, access_keys=keys[0], refresh_keys=keys[1], store=MemoryStore(), on_event=hear
        )


@pytest.mark.anyio
async def test_an_async_manager_awaits_a_coroutine_function(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    async def hook(event: Event) -> None:
        heard(event)
        raise RuntimeError(event.kind)

    keys = SharedKey.generate(), SharedKey.generate()
    manager = AsyncTokenManager(
        TokenPolicy(issuer="i", audience="a"),
        access_keys=keys[0],
        refresh_keys=keys[1],
        store=AsyncMemoryStore(),
        on_event=hook,
    )
    await manager.issue("ada")
    await manager.tell(EventKind.ACCOUNT_ENABLED, subject="ada")

    assert heard.kinds == ["logged_in", "account_enabled"]
    assert "on_event failed for account_enabled" in caplog.text


def test_without_a_hook_the_store_is_called_itself(make: Make) -> None:
    manager = make()
    inner: Any = getattr(manager, "driven", manager)
    manager.tell(EventKind.PASSWORD_CHANGED, subject="ada")

    assert not manager.has_hook
    assert inner._store is inner.store


def test_with_a_hook_verify_asks_the_store_itself(make: Make, heard: Heard) -> None:
    manager = make(on_event=heard)
    inner: Any = getattr(manager, "driven", manager)

    assert inner._is_revoked == inner.store.is_revoked
    assert manager.sessions("ada") == []


def test_blocks_add_to_each_other() -> None:
    note_subject("outside of a block nothing happens")
    with about(address="192.0.2.7", subject="ada") as outer:
        with about(device="curl", subject="eve") as inner:
            note_subject("eve")
        assert (inner.address, inner.device, inner.subject) == ("192.0.2.7", "curl", "eve")
        assert (inner.rejected, outer.rejected) == ("eve", None)
        assert (outer.address, outer.device, outer.subject) == ("192.0.2.7", None, "ada")
