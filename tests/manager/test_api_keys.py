"""API keys of a manager: issued once, checked in the store, listed and ended apart from logins."""

import copy
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatepass import AccessClaims, TokenVerifier
from gatepass.errors import (
    ClaimsRejected,
    StoreUnavailable,
    SubjectDisabled,
    TokenExpired,
    TokenMalformed,
    TokenMissing,
    TokenRevoked,
)
from gatepass.jose import SharedKey
from gatepass.sessions.session import partition_digits
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.tokens import KeyClaims
from gatepass.tokens.opaque import KEY_PREFIX, new_text
from tests.manager.conftest import START, Clock, Heard, Make
from tests.manager.counted import Counted

YEAR_S = 365 * 86_400


def new_key(manager: Any, owner: Any = "ci", scopes: Any = ("build",), expires: Any = "90d") -> Any:
    return manager.issue_key(owner, name="builds", scopes=scopes, expires=expires)


def test_a_key_is_shown_once_and_stands_for_its_subject(manager: Any) -> None:
    issued = new_key(manager, scopes=["build", "deploy"])
    claims = manager.verify_key(issued.key)

    assert issued.key.startswith(f"gp_key_{partition_digits('ci')}")
    assert issued.expires_at == datetime.fromtimestamp(int(START) + 90 * 86_400, UTC)
    assert issued.key not in repr(issued)
    assert dict(claims) == {
        "iss": "api-server",
        "aud": "api-client",
        "sub": "ci",
        "client_id": "app",
        "iat": int(START),
        "exp": int(START) + 90 * 86_400,
        "jti": issued.key_id,
        "sid": issued.key_id,
        "scope": "build deploy",
    }
    assert claims.kind == "key"
    assert claims.scopes == {"build", "deploy"}
    assert repr(claims) == f"<KeyClaims sub='ci' jti={issued.key_id!r}>"
    for twin in (copy.copy(claims), pickle.loads(pickle.dumps(claims))):  # noqa: S301
        assert twin == claims
        assert twin.kind == "key"


def test_the_kind_of_claims_is_no_claim(manager: Any) -> None:
    pair = manager.issue("ada", {"kind": "key"})
    claims = manager.verify(pair.access_token)

    assert claims.kind == "session"
    assert claims["kind"] == "key"
    assert AccessClaims({}).kind == "session"


def test_verify_accepts_no_key_and_verify_key_no_token(manager: Any) -> None:
    issued, pair = new_key(manager), manager.issue("ci")

    with pytest.raises(TokenMalformed, match="verify_key"):
        manager.verify(issued.key)
    for each in (pair.access_token, pair.refresh_token, "x", 7, issued.key[:-1], issued.key + "0"):
        with pytest.raises(TokenMalformed):
            manager.verify_key(each)
    for none in (None, ""):
        with pytest.raises(TokenMissing):
            manager.verify_key(none)
    with pytest.raises(TokenMalformed):
        manager.refresh(issued.key)
    with pytest.raises(TokenMalformed):
        manager.log_out(access_token=issued.key)
    keys = SharedKey.generate()
    with pytest.raises(TokenMalformed):
        TokenVerifier(keys, issuer="api-server", audience="api-client").verify(issued.key)


def test_a_check_takes_one_round_trip_and_once_a_minute_a_note(make: Make, clock: Clock) -> None:
    is_async = make().store.is_async
    counted = Counted(AsyncMemoryStore(clock) if is_async else MemoryStore(clock))
    manager = make(store=counted)
    issued = new_key(manager)
    assert counted.since() == {"issue": 1}
    assert manager.keys("ci")[0].last_used_at is None
    counted.since()

    manager.verify_key(issued.key)
    assert counted.since() == {"find_opaque": 1, "note_use": 1}
    clock.advance(59)
    manager.verify_key(issued.key)
    assert counted.since() == {"find_opaque": 1, "note_use": 1}  # its first use was at its issue
    clock.advance(59)
    manager.verify_key(issued.key)
    assert counted.since() == {"find_opaque": 1}
    clock.advance(1)
    manager.verify_key(issued.key)
    assert counted.since() == {"find_opaque": 1, "note_use": 1}
    [listed] = manager.keys("ci")
    assert listed.last_used_at == datetime.fromtimestamp(int(START) + 119, UTC)


def test_a_note_that_fails_rejects_nobody(make: Make, clock: Clock) -> None:
    class Full(MemoryStore):
        def note_use(self, _: str) -> None:
            raise StoreUnavailable

    class AsyncFull(AsyncMemoryStore):
        async def note_use(self, _: str) -> None:
            raise StoreUnavailable

    manager = make(store=(AsyncFull if make().store.is_async else Full)(clock))

    assert manager.verify_key(new_key(manager).key).subject == "ci"


def test_keys_are_listed_and_revoked_by_their_ids(manager: Any, clock: Clock) -> None:
    pair = manager.issue("ci")
    first = new_key(manager)
    clock.advance(1)
    second = manager.issue_key("ci", name="deploys", scopes=(), expires=timedelta(hours=1))

    deploys, builds = manager.keys("ci")
    assert (builds.key_id, builds.name, builds.scopes) == (first.key_id, "builds", ("build",))
    assert (deploys.key_id, deploys.name, deploys.scopes) == (second.key_id, "deploys", ())
    assert deploys.expires_at == second.expires_at
    assert deploys.created_at == datetime.fromtimestamp(int(START) + 1, UTC)
    assert builds.subject == "ci"
    assert [one.session_id for one in manager.sessions("ci")] == [pair.session_id]

    assert manager.revoke_key(pair.session_id) is False
    assert manager.verify(pair.access_token)
    assert manager.revoke_key(first.key_id, reason="lost") is True
    assert manager.revoke_key(first.key_id) is False
    assert manager.keys("ci") == [deploys]
    with pytest.raises(TokenRevoked):
        manager.verify_key(first.key)
    with pytest.raises(ClaimsRejected, match="by its id"):
        manager.revoke_key(second.key)


def test_a_key_ends_at_its_end(manager: Any, clock: Clock) -> None:
    issued = new_key(manager, expires=60)
    clock.advance(59)
    assert manager.verify_key(issued.key)
    clock.advance(1)
    with pytest.raises(TokenExpired):
        manager.verify_key(issued.key)


def test_a_key_that_nobody_issued_says_what_an_expired_one_says(manager: Any) -> None:
    with pytest.raises(TokenExpired):
        manager.verify_key(new_text(KEY_PREFIX, "ci", bytes(32)))


def test_a_key_is_of_one_issuer_and_audience(make: Make) -> None:
    manager = make()
    other = make(store=manager.store, audience="another")

    with pytest.raises(TokenExpired):
        other.verify_key(new_key(manager).key)


def test_what_ends_all_sessions_ends_keys_unless_they_are_to_stay(manager: Any) -> None:
    issued = new_key(manager)
    assert manager.revoke_subject("ci", keep_keys=True) == 0
    assert manager.verify_key(issued.key)
    assert manager.revoke_subject("ci") == 1
    with pytest.raises(TokenRevoked):
        manager.verify_key(issued.key)

    other = new_key(manager)
    manager.revoke_all()
    with pytest.raises(TokenRevoked):
        manager.verify_key(other.key)


def test_a_revocation_holds_as_long_as_the_key_would_have_lived(manager: Any, clock: Clock) -> None:
    issued = new_key(manager, expires="365d")
    manager.revoke_key(issued.key_id)
    clock.advance(YEAR_S - 1)
    manager.purge()

    with pytest.raises(TokenRevoked):
        manager.verify_key(issued.key)


def test_a_key_is_revoked_by_its_id_and_not_as_a_token(manager: Any) -> None:
    claims = manager.verify_key(new_key(manager).key)

    with pytest.raises(ClaimsRejected, match="revoke_key"):
        manager.revoke_token(claims)


class Accounts:
    """`load_claims` of an application, whose answer a test sets."""

    answer: Any = None

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def load(self, subject: str, session_claims: Any) -> Any:
        self.asked.append((subject, session_claims))
        return self.answer

    async def aload(self, subject: str, session_claims: Any) -> Any:
        return self.load(subject, session_claims)


@pytest.mark.parametrize("is_coroutine", [False, True])
def test_the_claims_are_those_of_today(make: Make, *, is_coroutine: bool) -> None:
    accounts = Accounts()
    is_coroutine &= make().store.is_async
    load = accounts.aload if is_coroutine else accounts.load
    manager = make(load_claims=load, required_claims=("role",))
    issued = new_key(manager, scopes=["read", "write"])
    assert accounts.asked == []

    accounts.answer = {"role": "admin", "amr": ["pwd"]}
    claims = manager.verify_key(issued.key)
    assert accounts.asked == [("ci", {})]
    assert (claims["role"], claims.scopes) == ("admin", {"read", "write"})
    assert "amr" not in claims
    for granted, left in (("read other", {"read"}), ("", set()), (["write"], {"write"})):
        accounts.answer = {"role": "user", "scope": granted}
        assert manager.verify_key(issued.key).scopes == left

    accounts.answer = None
    with pytest.raises(SubjectDisabled):
        manager.verify_key(issued.key)
    for wrong in ({"role": "user", "sub": "root"}, {"no": "role"}):
        accounts.answer = wrong
        with pytest.raises(ClaimsRejected):
            manager.verify_key(issued.key)


def test_a_key_that_no_check_could_accept_is_not_issued(make: Make) -> None:
    manager = make(required_claims=("role",))

    with pytest.raises(ClaimsRejected, match="role"):
        new_key(manager)


def test_keys_have_events(make: Make, heard: Heard) -> None:
    manager = make(on_event=heard)
    issued = new_key(manager)
    manager.verify_key(issued.key)
    manager.revoke_key(issued.key_id, reason="lost")

    assert heard.kinds == ["api_key_issued", "session_revoked"]
    made, ended = heard
    assert (made.subject, made.session_id, made.device) == ("ci", issued.key_id, "builds")
    assert (ended.session_id, ended.reason) == (issued.key_id, "lost")
    assert not any(issued.key in repr(event) for event in heard)


def test_claims_of_a_key_are_claims_that_a_manager_made(manager: Any) -> None:
    claims = manager.verify_key(new_key(manager).key)

    assert isinstance(claims, KeyClaims)
    assert claims.auth_time is None
    assert claims.session_id == claims.token_id
