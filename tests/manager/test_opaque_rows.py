"""Opaque access tokens whose rows say something else, or are gone, or never came to be."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from gatepass.errors import (
    SessionRevoked,
    SettingsRejected,
    StoreUnavailable,
    SubjectEpochChanged,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
)
from gatepass.sessions import IssuePlan, OpaqueFact, OpaqueKind, OpaquePlan
from gatepass.tokens.opaque import ACCESS_PREFIX, hash_id
from tests.manager.conftest import START, Clock, Heard, Make
from tests.manager.counted import Counted

CLAIMS = {"role": "admin", "deep": {"list": [1, {"x": None}]}}
HOW = {"act": {"sub": "boss"}, "amr": ["pwd"], "org": "acme"}
BEGIN = datetime.fromtimestamp(START, UTC)


@pytest.fixture(params=["opaque"])
def access_format(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


class Ending:
    """Ends each session before its opaque token is recorded, or fails instead."""

    def __init__(self, store: Any, *, fails: bool) -> None:
        self._store = store
        self.is_async = store.is_async
        self.fails = fails
        self.is_on = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def issue_opaque(self, plan: OpaquePlan) -> Any:
        if self.is_on and self.fails:
            raise StoreUnavailable
        if self.is_on:
            work = getattr(self._store, "_work", self._store)
            work.revoke_session(plan.session_id, reason="meanwhile")
        return self._store.issue_opaque(plan)


def test_a_session_that_ends_between_the_two_steps_gets_no_token(
    make: Make, counted: Counted
) -> None:
    ending = Ending(counted._store, fails=False)
    manager = make(store=ending)
    with pytest.raises(SubjectEpochChanged):
        manager.issue("alice")
    ending.is_on = False
    pair = manager.issue("alice")
    ending.is_on = True

    with pytest.raises(SessionRevoked):
        manager.refresh(pair.refresh_token)
    assert manager.sessions("alice") == []


def test_when_the_second_step_fails_nothing_is_handed_out_and_repeating_helps(
    make: Make, counted: Counted, heard: Heard
) -> None:
    failing = Ending(counted._store, fails=True)
    manager = make(store=failing, on_event=heard)
    with pytest.raises(StoreUnavailable):
        manager.issue("alice")
    failing.is_on = False
    pair = manager.issue("alice")
    failing.is_on = True
    with pytest.raises(StoreUnavailable):
        manager.refresh(pair.refresh_token)
    failing.is_on = False
    renewed = manager.refresh(pair.refresh_token)

    assert manager.verify(renewed.access_token).session_id == pair.session_id
    assert heard.kinds[-2:] == ["refreshed", "refresh_replayed"]


class Answering:
    """Answers each `find_opaque` with what a test put into the row."""

    def __init__(self, store: Any, claims_json: bytes) -> None:
        self._store = store
        self.is_async = store.is_async
        self.claims_json = claims_json

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def find_opaque(self, opaque_id: str) -> Any:
        work = getattr(self._store, "_work", self._store)
        fact: OpaqueFact = work.find_opaque(opaque_id)
        assert fact.token is not None
        planted = replace(fact.token.session, claims_json=self.claims_json)
        work._rows[planted.session_id] = planted
        return self._store.find_opaque(opaque_id)


def test_a_row_cannot_set_registered_claims(make: Make, counted: Counted) -> None:
    planted = Answering(counted._store, b'{"sub":"root","exp":9e9,"aud":"x","act":{"sub":"a"}}')
    manager = make(store=planted)
    claims = manager.verify(manager.issue("alice").access_token)

    assert (claims.subject, claims["aud"], claims["act"]) == ("alice", "api-client", {"sub": "a"})
    assert claims.expires_at == int(START) + 900


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"required_claims": ["tenant"]}, "the required claim tenant is missing"),
        ({"allowed_values": {"role": ["user"]}}, "the claim role has a value that is not allowed"),
    ],
)
def test_the_rules_of_today_hold_for_tokens_of_yesterday(
    make: Make, counted: Counted, rules: dict[str, Any], reason: str
) -> None:
    token = make(store=counted).issue("alice", {"role": "admin"}).access_token

    with pytest.raises(TokenInvalid, match=reason):
        make(store=counted, **rules).verify(token)


def test_a_token_that_the_store_has_forgotten_proves_no_session(
    make: Make, counted: Counted, clock: Clock
) -> None:
    manager = make(store=counted)
    pair = manager.issue("alice")
    clock.advance(901)
    assert manager.session_id_of(access_token=pair.access_token) == pair.session_id
    clock.advance(86_400)
    manager.purge()

    with pytest.raises(TokenExpired):
        manager.log_out(access_token=pair.access_token)
    manager.log_out(refresh_token=pair.refresh_token)


def test_a_token_whose_session_is_gone_is_revoked_and_proves_none(
    make: Make, counted: Counted
) -> None:
    async def later(fact: OpaqueFact) -> OpaqueFact:
        return fact

    class Gone:
        """A store whose rows of sessions are lost."""

        is_async: ClassVar[Any] = counted.is_async

        def __getattr__(self, name: str) -> Any:
            return getattr(counted, name)

        def find_opaque(self, _: str) -> Any:
            fact = OpaqueFact(kind=OpaqueKind.REVOKED)
            return later(fact) if self.is_async else fact

    manager = make(store=Gone())
    pair = manager.issue("alice")

    with pytest.raises(TokenRevoked):
        manager.verify(pair.access_token)
    with pytest.raises(TokenRevoked):
        manager.session_id_of(access_token=pair.access_token)


def test_a_shorter_session_of_the_policy_holds_for_opaque_tokens_too(
    make: Make, counted: Counted, clock: Clock
) -> None:
    pair = make(store=counted).issue("alice")
    clock.advance(3000)
    manager = make(store=counted, session_lifetime=3600, refresh_lifetime=3600)
    renewed = manager.refresh(pair.refresh_token)

    assert renewed.expires_in == 600
    assert manager.verify(renewed.access_token).expires_at == int(START) + 3600


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"access_format": "paseto"}, "access_format is jwt or opaque, and not 'paseto'"),
        ({"access_format": None}, "access_format is jwt or opaque"),
        ({"jwt_until": datetime(2030, 1, 1)}, "with an offset"),  # noqa: DTZ001 - the error
        ({"jwt_until": 1_900_000_000}, "with an offset"),
        ({"jwt_until": BEGIN, "access_format": "jwt"}, "opaque only"),
    ],
)
def test_a_policy_names_a_format_and_a_moment(
    make: Make, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SettingsRejected, match=reason):
        make(**fields)


def test_the_store_never_has_the_text(make: Make, counted: Counted) -> None:
    seen: list[object] = []

    class Looking:
        is_async: ClassVar[Any] = counted.is_async

        def __getattr__(self, name: str) -> Any:
            return getattr(counted, name)

        def issue(self, plan: IssuePlan) -> Any:
            seen.append(vars_of(plan))
            return counted.issue(plan)

        def issue_opaque(self, plan: OpaquePlan) -> Any:
            seen.append(vars_of(plan))
            return counted.issue_opaque(plan)

    token = make(store=Looking()).issue("alice").access_token

    assert len(seen) == 2
    assert token[9:52] not in repr(seen)
    assert str(hash_id(ACCESS_PREFIX, token)) not in repr(seen)


def vars_of(plan: Any) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__slots__}
