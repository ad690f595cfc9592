"""Logging in."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

from gatepass.errors import ClaimsRejected
from gatepass.jose import inspect
from tests.manager.conftest import START, Clock, Make


def test_a_log_in_gives_a_pair_whose_access_token_says_who_and_what(manager: Any) -> None:
    pair = manager.issue("alice", {"role": "admin", "scope": "read write"})
    claims = manager.verify(pair.access_token)

    assert claims.subject == "alice"
    assert claims["role"] == "admin"
    assert claims.scopes == {"read", "write"}
    assert claims.session_id == pair.session_id
    assert (claims.issued_at, claims.expires_at, claims.auth_time) == (
        int(START),
        int(START) + 900,
        int(START),
    )
    assert (claims["iss"], claims["aud"], claims["client_id"]) == (
        "api-server",
        "api-client",
        "app",
    )


def test_the_pair_answers_in_the_terms_of_oauth_and_shows_no_token(manager: Any) -> None:
    pair = manager.issue("alice")

    assert pair.to_dict() == {
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_expires_in": 7 * 86400,
        "session_id": pair.session_id,
    }
    assert pair.access_token not in repr(pair)
    assert pair.refresh_token not in repr(pair)


def test_tokens_name_their_kind_and_carry_what_the_format_says(make: Make) -> None:
    pair = make(access_format="jwt").issue("alice")
    access, refresh = inspect(pair.access_token), inspect(pair.refresh_token)

    assert access.header == {"alg": "HS256", "typ": "at+jwt"}
    assert refresh.header == {"alg": "HS256", "typ": "rt+jwt"}
    names = {"iss", "aud", "sub", "iat", "exp", "sid", "auth_time", "gen", "sec"}
    assert set(refresh.claims) == names
    assert refresh.claims["gen"] == 0
    assert len(access.claims["jti"]) == len(access.claims["sid"]) == 34
    assert access.claims["jti"][:2] == access.claims["sid"][:2]


def test_an_access_token_never_outlives_its_session(make: Make, clock: Clock) -> None:
    manager = make(session_lifetime=1000, refresh_lifetime=1000)
    pair = manager.issue("alice")
    clock.advance(600)
    pair = manager.refresh(pair.refresh_token)

    assert manager.verify(pair.access_token).expires_at == int(START) + 1000
    assert pair.expires_in == 400


@pytest.mark.parametrize(
    "claims",
    [
        {"x": math.nan},
        {"x": "a" * 2048},
        {1: "x"},
        ["x"],
        "x",
        {"x": 10**5000},
    ],
)
def test_claims_that_have_no_json_form_or_no_room_are_refused(manager: Any, claims: Any) -> None:
    with pytest.raises(ClaimsRejected):
        manager.issue("alice", claims)

    assert manager.sessions("alice") == []


@pytest.mark.parametrize("subject", ["", "a" * 256, "a\0b", "\ud800", None, 7, b"alice"])
def test_a_subject_is_text_that_every_store_can_hold(manager: Any, subject: Any) -> None:
    with pytest.raises(ClaimsRejected):
        manager.issue(subject)


@pytest.mark.parametrize("device", ["", "d" * 256, "\0", 7])
def test_a_device_is_described_in_short_text(manager: Any, device: Any) -> None:
    with pytest.raises(ClaimsRejected):
        manager.issue("alice", device=device)


def test_required_and_allowed_claims_hold_at_issue_as_at_verify(make: Make) -> None:
    manager = make(
        required_claims=("userId", "exp"), allowed_values={"role": {"user", "admin"}, "level": {1}}
    )

    with pytest.raises(ClaimsRejected, match="userId"):
        manager.issue("alice", {"role": "user"})
    with pytest.raises(ClaimsRejected, match="role"):
        manager.issue("alice", {"userId": 1, "role": "root"})
    with pytest.raises(ClaimsRejected, match="role"):
        manager.issue("alice", {"userId": 1, "role": ["user", "root"]})
    with pytest.raises(ClaimsRejected, match="level"):
        manager.issue("alice", {"userId": 1, "level": True})
    pair = manager.issue("alice", {"userId": 1, "role": ["user", "admin"], "level": 1})
    assert manager.verify(pair.access_token)["userId"] == 1


def test_the_oldest_session_ends_when_there_are_too_many(make: Make, clock: Clock) -> None:
    manager = make(max_sessions=2)
    pairs = []
    for _ in range(3):
        pairs.append(manager.issue("alice", device="phone"))
        clock.advance(1)
    left = manager.sessions("alice")

    assert [session.session_id for session in left] == [pairs[2].session_id, pairs[1].session_id]
    assert left[0].device == "phone"
    assert left[0].claims == {}


@dataclass
class Measurement:
    """A caller's own type among the claims."""

    value: float


def test_a_nan_inside_an_object_is_not_signed_as_null(manager: Any) -> None:
    with pytest.raises(ClaimsRejected):
        manager.issue("alice", {"measured": Measurement(math.nan)})
    pair = manager.issue("alice", {"measured": Measurement(1.5), "other": None})

    assert manager.verify(pair.access_token)["measured"] == {"value": 1.5}


@pytest.mark.parametrize("typed", ["", "a\0b", "a" * 256, "\ud800"])
def test_a_typed_name_that_can_be_no_subject_has_an_epoch_and_no_session(
    manager: Any, typed: str
) -> None:
    assert manager.subject_epoch(typed) == 0
    with pytest.raises(ClaimsRejected):
        manager.issue(typed, epoch=0)


@pytest.mark.parametrize("wrong", [5, None, b"alice", ["alice"]])
def test_an_epoch_is_asked_of_a_text(manager: Any, wrong: Any) -> None:
    with pytest.raises(ClaimsRejected):
        manager.subject_epoch(wrong)
