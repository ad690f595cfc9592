"""Issuing API keys: who may, with which scopes, and for how long."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatepass import AccessClaims
from gatepass.errors import ClaimsRejected, SettingsRejected, SubjectEpochChanged, TokenRevoked
from gatepass.sessions import IssuePlan, Session
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from tests.manager.conftest import START, Clock, Make
from tests.manager.test_api_keys import YEAR_S, new_key


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        (timedelta(days=1), 86_400),
        ("365d", YEAR_S),
        (datetime.fromtimestamp(int(START) + 100, UTC), 99),
        (MAX := 10 * 366 * 86_400, MAX),
    ],
)
def test_a_lifetime_is_a_duration_or_a_date(manager: Any, expires: Any, seconds: int) -> None:
    issued = new_key(manager, expires=expires)

    assert issued.expires_at == datetime.fromtimestamp(int(START) + seconds, UTC)


@pytest.mark.parametrize(
    "expires",
    [
        None,
        0,
        "0s",
        "soon",
        -1,
        MAX + 1,
        timedelta(days=4_000),
        datetime(2030, 1, 1),  # noqa: DTZ001
        datetime(2001, 1, 1, tzinfo=UTC),
    ],
)
def test_no_other_lifetime_will_do(manager: Any, expires: Any) -> None:
    with pytest.raises(SettingsRejected, match="expires"):
        new_key(manager, expires=expires)


@pytest.mark.parametrize(
    "scopes",
    [None, "build", ["a b"], [""], [" a"], [7], {"a": 1}, ["a\0"], ["x" * 300], ["\ud800"]],
)
def test_scopes_are_words(manager: Any, scopes: Any) -> None:
    with pytest.raises(ClaimsRejected):
        new_key(manager, scopes=scopes)


def test_the_claims_of_a_key_are_bounded(manager: Any) -> None:
    with pytest.raises(ClaimsRejected, match="2048 bytes"):
        new_key(manager, scopes=[f"{number:0200}" for number in range(11)])
    for name in ("", "x" * 256, None):
        with pytest.raises(ClaimsRejected, match="name"):
            manager.issue_key("ci", name=name, scopes=(), expires="1d")
    with pytest.raises(ClaimsRejected):
        new_key(manager, owner="")


def test_a_caller_gives_scopes_of_its_own_token_only(manager: Any) -> None:
    def caller(**claims: Any) -> AccessClaims:
        verified: AccessClaims = manager.verify(manager.issue("ada", claims).access_token)
        return verified

    narrow = caller(scope="read write")
    assert manager.verify_key(new_key(manager, narrow, ["read"]).key).scopes == {"read"}
    assert new_key(manager, narrow, [])
    for scopes in (["admin"], ["read", "admin"]):
        with pytest.raises(ClaimsRejected, match="its own token"):
            new_key(manager, narrow, scopes)
    with pytest.raises(ClaimsRejected):
        new_key(manager, caller(scope=""), ["read"])
    assert new_key(manager, caller(), [])
    with pytest.raises(ClaimsRejected, match="pass the subject"):
        new_key(manager, caller(), ["anything"])


def test_no_key_and_no_actor_issues_keys(manager: Any) -> None:
    key = manager.verify_key(new_key(manager).key)
    acting = manager.issue("ada", session_claims={"act": {"sub": "support"}})

    with pytest.raises(ClaimsRejected, match="a key issues no keys"):
        new_key(manager, key, ["build"])
    with pytest.raises(ClaimsRejected, match="act"):
        new_key(manager, manager.verify(acting.access_token))
    with pytest.raises(ClaimsRejected, match="sid"):
        new_key(manager, AccessClaims({"sub": "ada", "jti": "x"}))


def test_a_caller_whose_session_is_over_issues_no_key(manager: Any) -> None:
    pair = manager.issue("ada")
    claims = manager.verify(pair.access_token)
    manager.revoke_session(pair.session_id)

    with pytest.raises(TokenRevoked):
        new_key(manager, claims)
    assert manager.keys("ada") == []


def test_a_revocation_that_comes_in_between_wins(make: Make, clock: Clock) -> None:
    class Store(MemoryStore):
        def issue(self, plan: IssuePlan) -> Session | None:
            if plan.kind == "key":
                self.revoke_subject(plan.subject, reason="left")
            return super().issue(plan)

    class Twin(AsyncMemoryStore):
        async def issue(self, plan: IssuePlan) -> Session | None:
            if plan.kind == "key":
                await self.revoke_subject(plan.subject, reason="left")
            return await super().issue(plan)

    manager = make(store=(Twin if make().store.is_async else Store)(clock))
    claims = manager.verify(manager.issue("ada").access_token)

    with pytest.raises(SubjectEpochChanged):
        new_key(manager, claims, [])
