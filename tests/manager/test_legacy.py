"""Tokens of the old library, as a manager exchanges and a verifier accepts them."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatepass import LegacyToken
from gatepass.errors import (
    ClaimsRejected,
    KeyRejected,
    SessionExpired,
    SessionRevoked,
    StoreUnavailable,
    SubjectDisabled,
    TokenExpired,
    TokenInvalid,
    TokenMalformed,
    TokenMissing,
    TokenRevoked,
)
from gatepass.http.problems import RequestRefused
from gatepass.http.requirement import Requirement
from gatepass.jose import sign
from tests.manager.conftest import START, Clock, Heard, Make
from tests.manager.legacy import DAY, KEY, flask, rules, simple
from tests.twins import Driven


@pytest.fixture
def manager(make: Make) -> Any:
    return make(legacy=rules())


def test_an_exchanged_session_is_never_fresh_and_refreshes_as_others_do(
    manager: Any, clock: Clock
) -> None:
    pair = manager.refresh(flask())
    claims = manager.verify(manager.refresh(pair.refresh_token).access_token)

    assert (claims.subject, claims["role"], claims.auth_time) == ("alice", "user", 0)
    for each in (claims, manager.verify(flask("access"))):
        with pytest.raises(RequestRefused):
            Requirement(fresh=timedelta(days=365)).check(
                each, scopes=(), roles=(), auth_time=each.auth_time, now=clock()
            )


def test_the_policy_may_end_the_session_earlier_and_the_token_is_spent_then(
    make: Make, clock: Clock
) -> None:
    manager = make(legacy=rules(), session_lifetime=2 * DAY, refresh_lifetime=2 * DAY)
    pair = manager.refresh(flask())

    assert pair.refresh_expires_in == 2 * DAY
    clock.advance(DAY)
    pair = manager.refresh(pair.refresh_token)
    assert pair.refresh_expires_in == DAY
    clock.advance(DAY)
    with pytest.raises(TokenExpired):
        manager.refresh(pair.refresh_token)
    clock.advance(10 * DAY)
    manager.purge()
    with pytest.raises(SessionExpired):
        manager.refresh(flask())


def test_claims_come_from_load_claims_where_there_is_one(make: Make) -> None:
    asked = []

    def load(subject: str, session_claims: Mapping[str, Any]) -> dict[str, Any] | None:
        asked.append((subject, session_claims))
        return None if subject == "eve" else {"role": "admin"}

    manager = make(legacy=rules(), load_claims=load)

    assert manager.verify(manager.refresh(flask()).access_token)["role"] == "admin"
    assert asked == [("alice", {})]
    with pytest.raises(SubjectDisabled):
        manager.refresh(flask(sub="eve"))
    assert manager.sessions("eve") == []


def test_claims_that_the_policy_rejects_open_no_session_and_no_route(make: Make) -> None:
    for policy in ({"allowed_values": {"role": ["admin"]}}, {"required_claims": ["tenant"]}):
        manager = make(legacy=rules(), **policy)

        with pytest.raises(ClaimsRejected):
            manager.refresh(flask())
        with pytest.raises(TokenInvalid, match=r"role|tenant"):
            manager.verify(flask("access"))
        assert manager.verify(flask("access", role="admin", tenant="shop")).subject == "alice"
        assert manager.sessions("alice") == []


def test_a_lost_answer_is_repaired_by_repeating(make: Make, clock: Clock) -> None:
    manager = make(legacy=rules())
    store: Any = manager.driven.store if isinstance(manager, Driven) else manager.store
    inner = getattr(store, "_work", store)
    real = inner.issue

    def lose(plan: Any) -> None:
        inner.issue = real
        real(plan)
        raise StoreUnavailable

    inner.issue = lose
    with pytest.raises(StoreUnavailable):
        manager.refresh(flask())
    clock.advance(3600)

    pair = manager.refresh(flask())
    assert [one.session_id for one in manager.sessions("alice")] == [pair.session_id]


def test_the_session_of_a_legacy_token_is_known_before_it_is_exchanged(manager: Any) -> None:
    named = manager.session_id_of(refresh_token=flask())

    assert manager.refresh(flask()).session_id == named
    for tokens in ({"access_token": flask("access")}, {"refresh_token": flask("access")}):
        with pytest.raises(TokenInvalid):
            manager.session_id_of(**tokens)


def test_an_exchange_is_an_event_and_a_line_in_the_log(
    make: Make, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    manager = make(legacy=rules(), on_event=heard)
    with caplog.at_level(logging.INFO, "gatepass"):
        pair = manager.refresh(flask())
    manager.log_out(refresh_token=flask(jti="two"), access_token=flask("access"))

    assert heard.kinds == ["moved_in", "refreshed", "logged_out", "token_revoked"]
    assert {event.subject for event in heard} == {"alice"}
    assert pair.session_id in caplog.text
    assert flask() not in caplog.text


def test_a_date_that_has_passed_is_a_warning(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    make(legacy=rules())
    assert caplog.text == ""
    over = datetime.fromtimestamp(START, UTC)
    manager = make(legacy=rules(until=over))

    assert f"{over.isoformat()}, has passed: none is accepted; remove legacy=" in caplog.text
    with pytest.raises(TokenInvalid):
        manager.refresh(flask())


def test_a_log_out_by_a_token_that_opened_no_session_ends_no_other(
    make: Make, heard: Heard
) -> None:
    manager = make(legacy=rules(), on_event=heard, max_sessions=1)
    kept = manager.issue("alice")
    heard.clear()
    manager.log_out(refresh_token=flask())

    assert heard.kinds == ["logged_out"]
    assert [one.session_id for one in manager.sessions("alice")] == [kept.session_id]


def test_without_rules_nothing_of_another_library_is_accepted(make: Make) -> None:
    manager = make()

    for call in (manager.refresh, manager.verify):
        with pytest.raises(TokenInvalid, match="no key that is accepted here"):
            call(flask())
    with pytest.raises(TokenInvalid):
        manager.log_out(refresh_token=flask())


def test_what_is_missing_or_malformed_is_answered_as_without_rules(manager: Any) -> None:
    for call in (manager.refresh, manager.verify):
        with pytest.raises(TokenMissing):
            call(None)
        with pytest.raises(TokenMalformed):
            call("no token")


def test_our_own_tokens_are_told_apart_as_before(manager: Any, clock: Clock) -> None:
    pair = manager.issue("alice")
    with pytest.raises((TokenInvalid, TokenMalformed)):
        manager.refresh(pair.access_token)
    with pytest.raises(TokenInvalid):
        manager.verify(pair.refresh_token)
    clock.advance(30 * DAY)
    with pytest.raises(TokenExpired):
        manager.refresh(pair.refresh_token)


def test_simplejwt(make: Make) -> None:
    manager = make(legacy=rules(kind="simplejwt"))

    assert manager.verify(simple("access", user_id=7)).subject == "7"
    assert manager.verify(simple("sliding", refresh_exp=int(START) + DAY)).subject == "7"
    claims = manager.verify(manager.refresh(simple(hash_password="secret")).access_token)
    assert (claims.subject, claims["user_id"]) == ("7", "7")
    assert not {"token_type", "hash_password"} & claims.keys()
    with pytest.raises(TokenInvalid, match="no refresh token"):
        manager.refresh(simple("sliding"))


def test_the_subject_may_be_in_another_claim(make: Make) -> None:
    manager = make(legacy=rules(kind="simplejwt", subject_claim="uid"))

    assert manager.refresh(simple(uid=9, user_id=None))
    assert [one.subject for one in manager.sessions("9")] == ["9"]


def test_a_function_reads_tokens_of_any_other_form(make: Make) -> None:
    def read(claims: Mapping[str, Any]) -> LegacyToken | None:
        if claims.get("use") not in {"a", "r"}:
            return None
        kind = "access" if claims["use"] == "a" else "refresh"
        return LegacyToken(kind=kind, subject=claims["who"], claims={"role": "reader"})

    manager = make(legacy=rules(kind=None, read=read))
    form = {"who": "alice", "exp": int(START) + DAY}

    assert manager.verify(sign(form | {"use": "a"}, KEY))["role"] == "reader"
    pair = manager.refresh(sign(form | {"use": "r"}, KEY, typ=None))
    assert manager.verify(pair.access_token)["role"] == "reader"
    with pytest.raises(TokenInvalid):
        manager.refresh(sign(form | {"use": "x"}, KEY))


def test_issuer_and_audience_are_compared_where_they_are_named(make: Make) -> None:
    manager = make(legacy=rules(issuer="shop", audience=["app", "web"]))

    assert manager.verify(flask("access", iss="shop", aud=["web", "other"])).subject == "alice"
    assert manager.verify(flask("access", iss="shop", aud="app")).subject == "alice"
    for wrong in ({"iss": "shop"}, {"iss": "evil", "aud": "app"}, {"iss": "shop", "aud": "x"}):
        with pytest.raises(TokenInvalid):
            manager.verify(flask("access", **wrong))


def test_an_async_manager_awaits_the_denylist(make: Make) -> None:
    async def is_denied(claims: Mapping[str, Any]) -> bool:
        return bool(claims["jti"] == "denied")

    if not isinstance(make(), Driven):
        with pytest.raises(TypeError, match="async manager"):
            make(legacy=rules(is_denied=is_denied))
        return
    manager = make(legacy=rules(is_denied=is_denied))
    assert manager.refresh(flask())
    with pytest.raises(TokenRevoked):
        manager.refresh(flask(jti="denied"))


def test_a_denylist_that_answers_nothing_accepts_nothing(make: Make) -> None:
    manager = make(legacy=rules(is_denied=lambda _: None))

    with pytest.raises(TypeError, match="None"):
        manager.verify(flask("access"))


def test_legacy_keys_are_none_of_the_managers(make: Make) -> None:
    for name in ("access_keys", "refresh_keys"):
        with pytest.raises(KeyRejected, match="legacy keys"):
            make(legacy=rules(), **{name: KEY})
    with pytest.raises(KeyRejected):
        rules(keys="a secret")
    with pytest.raises(TypeError, match="LegacyTokens"):
        make(legacy={"keys": KEY})


def test_a_revocation_that_overtakes_the_exchange_wins(make: Make) -> None:
    manager = make(legacy=rules())
    store: Any = manager.driven.store if isinstance(manager, Driven) else manager.store
    inner = getattr(store, "_work", store)
    real = inner.last_epoch

    def overtaken(subject: str) -> Any:
        answer = real(subject)
        inner.revoke_subject(subject, reason="theft")
        return answer

    inner.last_epoch = overtaken
    with pytest.raises(SessionRevoked):
        manager.refresh(flask())
    assert manager.sessions("alice") == []
