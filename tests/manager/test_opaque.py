"""Opaque access tokens of a manager; the other tests of this folder run over both formats."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from gatepass import TokenVerifier
from gatepass.errors import (
    SessionRevoked,
    SettingsRejected,
    StoreUnavailable,
    SubjectEpochChanged,
    TokenExpired,
    TokenInvalid,
    TokenMalformed,
    TokenRevoked,
)
from gatepass.jose import SharedKey
from gatepass.sessions import IssuePlan, OpaqueFact, OpaqueKind, OpaquePlan
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.tokens.opaque import ACCESS_PREFIX, hash_id, new_text
from tests.manager.conftest import START, Clock, Heard, Make

CLAIMS = {"role": "admin", "deep": {"list": [1, {"x": None}]}}
HOW = {"act": {"sub": "boss"}, "amr": ["pwd"], "org": "acme"}
BEGIN = datetime.fromtimestamp(START, UTC)


@pytest.fixture(params=["opaque"])
def access_format(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


class Counted:
    """A store of either twin that counts its calls."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.is_async = store.is_async
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            self.calls[name] += 1
        return found

    def is_revoked(self, session_id: str | None, token_id: str | None) -> Any:
        self.calls["is_revoked"] += 1
        return self._store.is_revoked(session_id, token_id)

    def since(self) -> dict[str, int]:
        """The calls since the last time."""
        calls = dict(self.calls)
        self.calls.clear()
        return calls


@pytest.fixture
def counted(make: Make, clock: Clock) -> Counted:
    is_async = make().store.is_async
    return Counted(AsyncMemoryStore(clock) if is_async else MemoryStore(clock))


def test_an_opaque_token_has_the_claims_that_a_jwt_has(make: Make, counted: Counted) -> None:
    found = []
    for form in ("jwt", "opaque"):
        manager = make(store=counted, access_format=form)
        pair = manager.issue("alice", CLAIMS, session_claims=HOW)
        again = manager.refresh(pair.refresh_token)
        for each in (pair, again):
            assert each.access_token.startswith("gp_at_") is (form == "opaque")
            assert each.expires_in == 900
            claims = dict(manager.verify(each.access_token))
            assert claims["sid"] == pair.session_id
            assert len(claims.pop("jti")) == len(claims.pop("sid")) == 34
            found.append(claims)

    assert found == found[:1] * 4
    assert found[0].items() >= (CLAIMS | HOW).items()


def test_a_login_and_a_refresh_take_two_calls_and_a_check_takes_one(
    make: Make, counted: Counted
) -> None:
    class Replica:
        """Knows everything as revoked, and must not be reached."""

        is_async: ClassVar[Any] = counted.is_async

        def is_revoked(self, *_: object) -> bool:
            raise AssertionError

    manager = make(store=counted, revocations=Replica())
    counted.since()
    pair = manager.issue("alice")
    assert counted.since() == {"issue": 1, "issue_opaque": 1}
    pair = manager.refresh(pair.refresh_token)
    assert counted.since() == {"rotate": 1, "issue_opaque": 1}
    manager.verify(pair.access_token)
    manager.verify(pair.access_token)
    assert counted.since() == {"find_opaque": 2}
    manager.log_out(access_token=pair.access_token)
    assert counted.since() == {"find_opaque": 1, "revoke_session": 1}


def test_a_wrong_token_takes_the_same_calls_as_an_unknown_one_and_a_typing_error_none(
    make: Make, counted: Counted
) -> None:
    manager = make(store=counted)
    good = manager.issue("alice").access_token
    stranger = new_text(ACCESS_PREFIX, "alice", bytes(32))
    counted.since()

    assert manager.verify(good)
    calls = counted.since()
    with pytest.raises(TokenExpired, match="never had it"):
        manager.verify(stranger)
    assert counted.since() == calls == {"find_opaque": 1}
    typed = "x" if good[-9] != "x" else "y"
    for wrong in (good[:-9] + typed + good[-8:], good[:-1], good + "x", "gp_at_", f" {good}"):
        with pytest.raises(TokenMalformed, match=r"checksum|blanks"):
            manager.verify(wrong)
    with pytest.raises(TokenMalformed, match="not a JWT"):
        manager.verify(new_text("gp_key_", "alice", bytes(32)))
    wrong_kind: Any = manager.issue("alice")
    with pytest.raises(TokenMalformed, match=r"write pair\.access_token"):
        manager.verify(wrong_kind)
    assert counted.since() == {"issue": 1, "issue_opaque": 1}


def test_jwts_pass_beside_opaque_tokens_until_the_date(
    make: Make, counted: Counted, clock: Clock
) -> None:
    old = make(store=counted, access_format="jwt")
    until = BEGIN + timedelta(seconds=600)
    new, without = make(store=counted, jwt_until=until), make(store=counted)
    pair = old.issue("alice", {"role": "admin"})

    assert new.verify(pair.access_token) == old.verify(pair.access_token)
    with pytest.raises(TokenExpired, match="opaque tokens only"):
        without.verify(pair.access_token)
    clock.advance(599.5)
    assert new.verify(pair.access_token)
    clock.advance(0.5)
    with pytest.raises(TokenExpired, match="jwt_until"):
        new.verify(pair.access_token)
    assert old.verify(pair.access_token)
    renewed = new.refresh(pair.refresh_token)
    assert new.verify(renewed.access_token)["role"] == "admin"
    assert new.session_id_of(access_token=pair.access_token) == pair.session_id
    new.log_out(access_token=pair.access_token)
    with pytest.raises(TokenRevoked):
        new.verify(renewed.access_token)


def test_a_jwt_that_was_revoked_does_not_pass_beside_opaque_tokens(
    make: Make, counted: Counted
) -> None:
    old = make(store=counted, access_format="jwt")
    new = make(store=counted, jwt_until=BEGIN + timedelta(days=1))
    pair = old.issue("alice")
    new.verify(pair.access_token)
    new.revoke_session(pair.session_id)

    with pytest.raises(TokenRevoked):
        new.verify(pair.access_token)


def test_a_manager_of_jwts_accepts_opaque_tokens_of_its_store(make: Make, counted: Counted) -> None:
    old = make(store=counted, access_format="jwt")
    pair = make(store=counted).issue("alice")

    assert old.verify(pair.access_token).subject == "alice"
    assert old.session_id_of(access_token=pair.access_token) == pair.session_id
    with pytest.raises(TokenMalformed, match="checksum"):
        old.verify(pair.access_token[:-1])
    old.revoke_token(old.verify(pair.access_token))
    with pytest.raises(TokenRevoked):
        old.verify(pair.access_token)
    assert old.refresh(pair.refresh_token).access_token.count(".") == 2


@pytest.mark.parametrize("other", [{"audience": "other"}, {"issuer": "other"}])
def test_another_service_over_the_same_store_does_not_accept_the_token(
    make: Make, counted: Counted, other: dict[str, str]
) -> None:
    token = make(store=counted).issue("alice").access_token

    with pytest.raises(TokenExpired):
        make(store=counted, **other).verify(token)


def test_a_verifier_without_a_store_says_that_the_token_is_opaque(make: Make) -> None:
    key = SharedKey.generate()
    token = make(access_keys=key).issue("alice").access_token

    with pytest.raises(TokenMalformed, match=r"opaque.*only a manager over its store"):
        TokenVerifier(key, issuer="api-server", audience="api-client").verify(token)


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


def test_a_token_is_revoked_by_its_claims_or_its_id_and_not_by_its_text(manager: Any) -> None:
    token = manager.issue("alice").access_token

    with pytest.raises(TokenMalformed, match="not by its text"):
        manager.revoke_token(token)
    manager.revoke_token(manager.verify(token).token_id)
    with pytest.raises(TokenRevoked):
        manager.verify(token)


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
        ({"access_format": "paseto"}, "access_format is jwt or opaque"),
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
    assert str(hash_id(ACCESS_PREFIX, token)) not in repr(
        seen
    )  # the hash covers issuer and audience


def vars_of(plan: Any) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__slots__}
