"""Policies, claims and issued tokens as values."""

import copy
import pickle
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from rich.pretty import pretty_repr

from gatepass import AccessClaims, TokenIssuer, TokenPolicy
from gatepass.errors import ClaimsRejected, SettingsRejected
from gatepass.jose import SharedKey, inspect
from gatepass.sessions import new_id, partition_of

CLAIMS = {
    "sub": "alice",
    "exp": 5,
    "jti": "t1",
    "scope": "read write",
    "roles": ["user"],
    "address": {"city": "Rome"},
}


def test_claims_are_a_mapping_that_nobody_can_change() -> None:
    claims: Any = AccessClaims(dict(CLAIMS))
    claims["roles"].append("admin")
    claims["address"]["city"] = "Paris"

    assert dict(claims) == CLAIMS
    assert len(claims) == 6
    assert "sub" in claims
    assert claims == CLAIMS
    with pytest.raises(TypeError):
        claims["sub"] = "mallory"
    with pytest.raises(AttributeError, match="immutable"):
        claims._claims = {}


def test_claims_survive_copying_and_pickling_and_show_only_who() -> None:
    claims = AccessClaims(dict(CLAIMS))

    assert pickle.loads(pickle.dumps(claims)) == claims  # noqa: S301 - our own bytes
    assert copy.deepcopy(claims) == claims
    assert repr(claims) == "<AccessClaims sub='alice' jti='t1'>"
    assert pretty_repr(claims) == "AccessClaims(sub='alice', jti='t1')"


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ({"scope": "read  write"}, {"read", "write"}),
        ({"scope": ["read", "write", 5]}, {"read", "write"}),
        ({"scope": 5}, set()),
        ({}, set()),
    ],
)
def test_scopes_are_read_as_text_or_list(scope: dict[str, Any], scopes: set[str]) -> None:
    assert AccessClaims(scope).scopes == scopes


def test_absent_claims_are_none_and_times_are_seconds() -> None:
    claims = AccessClaims({"sub": "alice", "exp": 5})

    assert (claims.token_id, claims.session_id, claims.issued_at, claims.auth_time) == (None,) * 4
    assert claims.expires_at == 5


class Mine(msgspec.Struct):
    """A caller's own type."""

    sub: str
    roles: list[str]


@dataclass
class Other:
    """A caller's own type that the claims do not fit."""

    sub: int


def test_claims_become_a_type_of_your_own() -> None:
    claims = AccessClaims(dict(CLAIMS))

    assert claims.to(Mine) == Mine("alice", ["user"])
    with pytest.raises(ClaimsRejected, match="Other"):
        claims.to(Other)


def test_claims_cannot_be_changed_through_a_type_of_your_own() -> None:
    claims = AccessClaims(copy.deepcopy(CLAIMS))

    class Loose(msgspec.Struct):
        """A type that takes any value."""

        address: object
        roles: list[Any]

    mine = claims.to(Loose)
    assert isinstance(mine.address, dict)
    mine.address["city"] = "Paris"
    mine.roles.append("admin")
    claims.to(dict)["roles"].append("admin")

    assert dict(claims) == CLAIMS


def test_claims_that_fit_none_of_several_types_are_rejected() -> None:
    claims = AccessClaims(dict(CLAIMS))
    optional: Any = Other | None

    with pytest.raises(ClaimsRejected, match="Other"):
        claims.to(optional)


class Chain(msgspec.Struct):
    """A caller's own type that goes on and on."""

    sub: "Chain | None" = None


def test_claims_nested_too_deeply_for_a_type_are_rejected() -> None:
    nested: dict[str, Any] = {}
    for _ in range(20_000):
        nested = {"sub": nested}

    with pytest.raises(ClaimsRejected, match="Chain"):
        AccessClaims(nested).to(Chain)


def test_lifetimes_are_timedeltas_or_whole_seconds() -> None:
    policy = TokenPolicy(
        issuer="a", audience="b", access_lifetime=60, refresh_lifetime=120.0, leeway=timedelta(0, 5)
    )

    assert policy.client_id == "app"
    for wrong in (0, -1, 1.5, True, "15 m", None, timedelta(milliseconds=1500), 10**12):
        with pytest.raises(SettingsRejected, match="access_lifetime"):
            TokenPolicy(issuer="a", audience="b", access_lifetime=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": ""},
        {"audience": 5},
        {"client_id": "\ud800"},
        {"leeway": 61},
        {"rotation_leeway": 61},
        {"refresh_lifetime": 899},
        {"session_lifetime": 899},
        {"max_sessions": 0},
        {"max_sessions": 1001},
        {"max_sessions": True},
        {"max_sessions": "5"},
        {"required_claims": "userId"},
        {"allowed_values": {"role": "admin"}},
        {"allowed_values": {5: ["admin"]}},
    ],
)
def test_a_policy_out_of_bounds_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsRejected):
        TokenPolicy(**{"issuer": "a", "audience": "b"} | wrong)


def test_a_policy_cannot_be_changed_through_what_it_was_made_of() -> None:
    allowed: dict[str, list[str]] = {"role": ["user"]}
    policy = TokenPolicy(issuer="a", audience="b", allowed_values=allowed)
    allowed["role"].append("root")

    assert policy.allowed_values == {"role": ("user",)}


@pytest.mark.parametrize("allowed", [{}, {"role": ["user", "admin"], "level": {1}}, {"a": [[1]]}])
def test_a_policy_survives_pickling_and_copying_and_can_be_hashed(allowed: dict[str, Any]) -> None:
    policy = TokenPolicy(
        issuer="a", audience="b", required_claims=["userId"], allowed_values=allowed
    )
    twins = [
        pickle.loads(pickle.dumps(policy)),  # noqa: S301 - our own bytes
        copy.copy(policy),
        copy.deepcopy(policy),
        replace(policy),
        TokenPolicy(**asdict(policy)),
    ]

    assert all(twin == policy and hash(twin) == hash(policy) for twin in twins)
    assert all(repr(twin) == repr(policy) for twin in twins)
    assert repr(dict(policy.allowed_values)) in repr(policy)
    assert len({*twins, policy, replace(policy, issuer="c")}) == 2


ISSUER = TokenIssuer(
    SharedKey.generate(), issuer="a", audience="b", lifetime=timedelta(minutes=1), now=lambda: 9.5
)


def test_an_issued_token_says_who_when_and_under_which_id() -> None:
    claims = inspect(ISSUER.issue("alice", {"client_id": "robot"})).claims

    assert {name: claims[name] for name in ("iss", "aud", "sub", "iat", "exp", "client_id")} == {
        "iss": "a",
        "aud": "b",
        "sub": "alice",
        "iat": 9,
        "exp": 69,
        "client_id": "robot",
    }
    assert len(claims["jti"]) == 34
    assert inspect(ISSUER.issue("alice")).claims["jti"] != claims["jti"]


@pytest.mark.parametrize("claims", [{"iss": "x"}, {"sid": "x"}, {"nbf": 5}, "x", {5: 5}])
def test_an_issuer_sets_registered_claims_itself(claims: Any) -> None:
    with pytest.raises(ClaimsRejected):
        ISSUER.issue("alice", claims)


def test_a_token_too_long_to_be_verified_is_not_issued() -> None:
    with pytest.raises(ClaimsRejected, match="8192"):
        ISSUER.issue("alice", {"text": "x" * 8000})
    with pytest.raises(ClaimsRejected):
        ISSUER.issue("")


def test_all_ids_of_a_subject_name_one_partition() -> None:
    ids = {new_id("alice", bytes([n]) * 16) for n in range(50)}

    assert len({partition_of(each) for each in ids}) == 1
    assert {partition_of(new_id(str(n), bytes(16))) for n in range(400)} == set(range(16))
    assert partition_of("zz-of-another-maker") in range(16)
