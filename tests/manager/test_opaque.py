"""Opaque access tokens of a manager; the other tests of this folder run over both formats."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from gatepass import TokenVerifier
from gatepass.errors import (
    TokenExpired,
    TokenMalformed,
    TokenRevoked,
)
from gatepass.jose import KeySet, SharedKey
from gatepass.sessions import OpaquePlan
from gatepass.tokens.opaque import ACCESS_PREFIX, hash_id, new_text
from tests.manager.conftest import START, Clock, Make
from tests.manager.counted import Counted

CLAIMS = {"role": "admin", "deep": {"list": [1, {"x": None}]}}
HOW = {"act": {"sub": "boss"}, "amr": ["pwd"], "org": "acme"}
BEGIN = datetime.fromtimestamp(START, UTC)


@pytest.fixture(params=["opaque"])
def access_format(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


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
    with pytest.raises(TokenMalformed, match="verify_key"):
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


def test_a_token_is_revoked_by_its_claims_or_its_id_and_not_by_its_text(manager: Any) -> None:
    token = manager.issue("alice").access_token

    with pytest.raises(TokenMalformed, match="not by its text"):
        manager.revoke_token(token)
    manager.revoke_token(manager.verify(token).token_id)
    with pytest.raises(TokenRevoked):
        manager.verify(token)


def test_a_token_outlives_a_rotation_of_the_refresh_key(make: Make, counted: Counted) -> None:
    old, new = SharedKey.generate(), SharedKey.generate()
    before, after = make(store=counted, refresh_keys=old), make(store=counted, refresh_keys=new)
    during = make(store=counted, refresh_keys=KeySet(new, old))
    token = before.issue("alice").access_token
    counted.since()

    assert during.verify(token).subject == "alice"
    assert counted.since() == {"find_opaque": 2}
    with pytest.raises(TokenExpired):
        after.verify(token)
    assert after.verify(during.issue("alice").access_token)


def test_keys_that_change_while_running_change_the_hash(make: Make, counted: Counted) -> None:
    class Source:
        version = 1
        keys = KeySet(SharedKey.generate())

        def current(self) -> KeySet:
            return self.keys

    source = Source()
    manager = make(store=counted, refresh_keys=source)
    tokens = [manager.issue("alice").access_token]
    source.keys, source.version = source.keys.rotate(SharedKey.generate()), 2
    tokens.append(manager.issue("alice").access_token)

    assert [manager.verify(token).subject for token in tokens] == ["alice"] * 2


def test_a_row_that_was_written_without_the_refresh_key_is_no_token(
    make: Make, counted: Counted
) -> None:
    """Write access to the store forges nothing."""
    manager = make(store=counted, access_format="jwt")
    pair = manager.issue("alice")
    text = new_text(ACCESS_PREFIX, "alice", bytes(range(32)))
    work = getattr(counted._store, "_work", counted._store)
    planted = OpaquePlan(
        opaque_id=str(hash_id(ACCESS_PREFIX, text)),
        token_id=f"{text[6:8]}planted",
        session_id=pair.session_id,
        lifetime_ms=900_000,
    )
    assert work.issue_opaque(planted) is not None

    with pytest.raises(TokenExpired):
        manager.verify(text)
