"""Exchanging refresh tokens; every row of the rotation table as a manager answers it."""

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from gatepass.errors import (
    ClaimsRejected,
    RefreshReused,
    SessionExpired,
    SessionRevoked,
    SubjectDisabled,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
)
from gatepass.jose import SharedKey, inspect
from gatepass.jose.jws import sign_with
from gatepass.tokens.typ import REFRESH_TYP
from tests.manager.conftest import START, Clock, Make


def test_a_refresh_gives_the_next_generation_of_the_same_session(
    manager: Any, clock: Clock
) -> None:
    first = manager.issue("alice", {"role": "admin"})
    clock.advance(60)
    second = manager.refresh(first.refresh_token)
    claims = manager.verify(second.access_token)

    assert second.session_id == first.session_id
    assert inspect(second.refresh_token).claims["gen"] == 1
    assert claims["role"] == "admin"
    assert claims.auth_time == int(START)
    assert claims.issued_at == int(START) + 60


def test_racing_callers_all_get_the_same_refresh_token_byte_for_byte(
    manager: Any, clock: Clock
) -> None:
    first = manager.issue("alice")
    successor = manager.refresh(first.refresh_token)
    clock.advance(30)
    again = manager.refresh(first.refresh_token)

    assert again.refresh_token == successor.refresh_token
    assert again.access_token != successor.access_token


def test_a_reused_token_ends_the_session(
    manager: Any, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    first = manager.issue("alice")
    second = manager.refresh(first.refresh_token)
    clock.advance(30.5)

    with caplog.at_level(logging.WARNING), pytest.raises(RefreshReused):
        manager.refresh(first.refresh_token)
    with pytest.raises(SessionRevoked):
        manager.refresh(second.refresh_token)
    assert first.session_id in caplog.text
    assert first.refresh_token not in caplog.text


def test_a_leeway_of_zero_replays_nothing(make: Make) -> None:
    manager = make(rotation_leeway=0)
    first = manager.issue("alice")
    manager.refresh(first.refresh_token)

    with pytest.raises(RefreshReused):
        manager.refresh(first.refresh_token)


def test_an_idle_refresh_token_is_expired_without_asking_the_store(
    manager: Any, clock: Clock
) -> None:
    pair = manager.issue("alice")
    clock.advance(7 * 86400)

    with pytest.raises(TokenExpired):
        manager.refresh(pair.refresh_token)


def test_a_session_that_ended_for_the_store_is_expired(make: Make, clock: Clock) -> None:
    manager = make(leeway=60)
    pair = manager.issue("alice")
    clock.advance(7 * 86400 + 1)

    with pytest.raises(SessionExpired):
        manager.refresh(pair.refresh_token)


SHORT = {"session_lifetime": 3600, "access_lifetime": 600}


def test_a_shorter_session_lifetime_ends_old_sessions_too(make: Make, clock: Clock) -> None:
    manager = make()
    store = getattr(manager, "_store")  # noqa: B009 - through either twin
    lowered = make(store=store, **SHORT)
    old, older = manager.issue("alice"), manager.issue("alice")
    clock.advance(3300)
    capped = lowered.refresh(old.refresh_token)
    replayed = lowered.refresh(old.refresh_token)
    [_, row] = sorted(lowered.sessions("alice"), key=lambda each: -each.idle_ends_ms)

    assert (capped.expires_in, capped.refresh_expires_in) == (300, 300)
    assert replayed.refresh_token == capped.refresh_token
    assert row.session_id == capped.session_id
    assert row.idle_ends_ms // 1000 == int(START) + 3600

    clock.advance(300)
    with pytest.raises(TokenExpired):
        lowered.refresh(capped.refresh_token)
    with pytest.raises(SessionExpired):
        lowered.refresh(older.refresh_token)
    assert inspect(manager.refresh(older.refresh_token).refresh_token).claims["gen"] == 1


def test_a_replay_of_before_the_policy_changed_is_capped(make: Make, clock: Clock) -> None:
    manager = make()
    pair = manager.issue("alice")
    clock.advance(3590)
    manager.refresh(pair.refresh_token)
    lowered = make(store=getattr(manager, "_store"), **SHORT)  # noqa: B009

    assert lowered.refresh(pair.refresh_token).refresh_expires_in == 10


def test_a_refresh_token_that_does_not_tell_its_login_gives_one_that_does(
    make: Make, clock: Clock
) -> None:
    keys = SharedKey.generate()
    manager = make(refresh_keys=keys)
    claims = dict(inspect(manager.issue("alice").refresh_token).claims)
    del claims["auth_time"]
    clock.advance(3300)
    token = sign_with(keys, claims, REFRESH_TYP)
    lowered = make(store=getattr(manager, "_store"), refresh_keys=keys, **SHORT)  # noqa: B009
    pair = lowered.refresh(token)

    assert pair.refresh_expires_in == 300
    assert inspect(pair.refresh_token).claims["auth_time"] == int(START)
    with pytest.raises(TokenInvalid, match="auth_time"):
        manager.refresh(sign_with(keys, {**claims, "auth_time": "now"}, REFRESH_TYP))


def test_a_generation_ahead_of_the_store_moves_the_store_forward(
    manager: Any, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    pair = manager.issue("alice")
    store = getattr(manager, "_store")  # noqa: B009 - through either twin
    rows = getattr(store, "_work", store)._rows
    saved = rows[pair.session_id]
    for _ in range(3):
        clock.advance(60)
        pair = manager.refresh(pair.refresh_token)
    rows[pair.session_id] = replace(saved)

    with caplog.at_level(logging.WARNING):
        healed = manager.refresh(pair.refresh_token)
    assert inspect(healed.refresh_token).claims["gen"] == 4
    assert "moved forward" in caplog.text


def test_claims_are_loaded_anew_at_every_refresh(make: Make, access_format: str) -> None:
    roles = iter(["editor", "reader"])
    manager = make(load_claims=lambda subject, _: {"name": subject, "role": next(roles)})
    pair = manager.issue("alice", {"role": "admin"})
    second = manager.refresh(pair.refresh_token)
    replayed = manager.refresh(pair.refresh_token)

    found = [manager.verify(each.access_token)["role"] for each in (pair, second, replayed)]
    # opaque tokens have the claims of the row, which a replay does not change
    row = ["editor"] * 3
    assert found == (row if access_format == "opaque" else ["admin", "editor", "reader"])
    assert manager.sessions("alice")[0].claims == {"name": "alice", "role": "editor"}


def test_a_disabled_subject_is_refused_and_nothing_is_spent(make: Make) -> None:
    answers = iter([None, {"role": "admin"}])
    manager = make(load_claims=lambda *_: next(answers))
    pair = manager.issue("alice")

    with pytest.raises(SubjectDisabled):
        manager.refresh(pair.refresh_token)
    assert inspect(manager.refresh(pair.refresh_token).refresh_token).claims["gen"] == 1


def test_loaded_claims_that_the_policy_refuses_spend_nothing(make: Make) -> None:
    answers = iter([{"sub": "mallory"}, {}])
    manager = make(load_claims=lambda *_: next(answers))
    pair = manager.issue("alice")

    with pytest.raises(ClaimsRejected):
        manager.refresh(pair.refresh_token)
    assert inspect(manager.refresh(pair.refresh_token).refresh_token).claims["gen"] == 1


def test_load_claims_may_be_a_coroutine_function(make: Make) -> None:
    async def load(_: str, __: object) -> dict[str, str]:
        await asyncio.sleep(0)
        return {"role": "loaded"}

    class Loader:
        async def __call__(self, subject: str, session_claims: object) -> dict[str, str]:
            return await load(subject, session_claims)

        async def load(self, subject: str, session_claims: object) -> dict[str, str]:
            return await load(subject, session_claims)

    for coroutine_function in (load, Loader(), Loader().load, partial(load)):
        if not hasattr(make(), "driven"):
            with pytest.raises(TypeError, match="use AsyncTokenManager"):
                make(load_claims=coroutine_function)
            continue
        manager = make(load_claims=coroutine_function)
        pair = manager.refresh(manager.issue("alice").refresh_token)
        assert manager.verify(pair.access_token)["role"] == "loaded"


@pytest.mark.parametrize("absent", [None, ""])
def test_no_refresh_token_is_told_as_missing(manager: Any, absent: Any) -> None:
    with pytest.raises(TokenMissing):
        manager.refresh(absent)
