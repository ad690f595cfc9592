"""A row of the store that somebody wrote into: it says what a user is, never who or until when."""

import secrets
from typing import Any

import msgspec
from msgspec.structs import replace

from gatepass import TokenPair, TokenPolicy
from gatepass.jose import SharedKey, inspect
from gatepass.sessions import Session, plan_session, rotate
from gatepass.tokens import PairPlanner
from tests.attacks.target import AUDIENCE, ISSUER, NOW
from tests.cases import case

PLANTED: dict[str, Any] = {
    "iss": "https://mallory.example",
    "aud": ["everybody"],
    "sub": "root",
    "exp": NOW + 10**9,
    "nbf": NOW + 5,
    "iat": NOW - 10**6,
    "jti": "0" * 34,
    "sid": "1" * 34,
    "client_id": "another",
    "auth_time": NOW + 10**6,
    "gen": 7,
    "sec": "known",
    "act": {"sub": "root"},
    "amr": ["hwk"],
    "acr": "high",
}


def _pairs(planted: bytes) -> list[TokenPair]:
    """The pair of a log-in and of a refresh, whose row has these claims in it."""
    planner = PairPlanner(
        TokenPolicy(issuer=ISSUER, audience=AUDIENCE),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        now=lambda: NOW,
        remember=0,
        random=secrets.token_bytes,
    )
    log_in = planner.plan_issue("alice", {"role": "user"}, None, None, None, ())
    row: Session = replace(plan_session(log_in.plan, NOW * 1000), claims_json=planted)
    first = planner.conclude_issue(log_in, row)
    presented = planner.open_refresh(first.refresh_token)
    plan = planner.plan_rotation(presented, None, loaded=False)
    second = planner.conclude_rotation(
        presented, plan, planner.require_rotated(presented, rotate(row, plan, NOW * 1000))
    )
    for pair in (first, second):
        assert planner.access.open(pair.access_token)["sub"] == "alice"
    return [first, second]


def test_registered_name_planted_in_a_row() -> None:
    honest = _pairs(b'{"role":"user"}')
    for name, value in PLANTED.items():
        planted = _pairs(msgspec.json.encode({name: value, "role": "user"}))

        for mine, theirs in zip(planted, honest, strict=True):
            with case(name):
                for kind in ("access_token", "refresh_token"):
                    found = inspect(getattr(mine, kind)).claims
                    assert set(found) == set(inspect(getattr(theirs, kind)).claims)
                    assert found.get(name) != value
                assert mine.expires_in == theirs.expires_in


def test_all_registered_names_planted_at_once() -> None:
    for pair in _pairs(msgspec.json.encode(PLANTED | {"role": "user"})):
        claims = inspect(pair.access_token).claims

        assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, AUDIENCE, "alice")
        assert (claims["iat"], claims["exp"], claims["auth_time"]) == (NOW, NOW + 900, NOW)
        assert claims["role"] == "user"
        assert {"nbf", "gen", "sec", "act", "amr", "acr"}.isdisjoint(claims)
