"""Well signed tokens that say the wrong thing."""

import math
from typing import Any

import pytest

from gatepass import TokenIssuer, TokenManager, TokenPolicy
from gatepass.errors import ClaimsRejected, TokenExpired, TokenInvalid, TokenMalformed
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore
from tests.attacks.target import (
    AUDIENCE,
    ISSUER,
    KEY,
    NOW,
    Verify,
    claims,
    claims_text,
    forged,
)
from tests.cases import case
from tests.jose.material import OTHER_SECRET


@pytest.mark.parametrize(
    "audience",
    [
        *(..., None, "", "api", "api-client ", "API-CLIENT", "api-clients", "https://api-client"),
        *("\uff41pi-client", [], ["api"], [["api-client"]], {"api-client": 1}, True, 1, [None]),
        *(["api-client", 1], ["api-client", None], [1, "api-client"]),
        ["api-client", ["api-client"]],
    ],
    ids=ascii,
)
def test_another_audience(verify: Verify, audience: object) -> None:
    with pytest.raises(TokenInvalid):
        verify(forged(claims(aud=audience)))


def test_audience_may_be_a_list_that_names_us(verify: Verify) -> None:
    for audience in [[AUDIENCE], ["other", AUDIENCE], [AUDIENCE, AUDIENCE]]:
        with case(audience):
            assert verify(forged(claims(aud=audience))).subject == "alice"


def test_issuer_as_prefix_or_list(verify: Verify) -> None:
    for issuer in [
        *(..., None, "", "api", "api-serve", "api-server/", "api-server.attacker.example"),
        *("API-SERVER", " api-server", "api-server\0", "api\u2010server", [], [ISSUER]),
        *([ISSUER, "attacker"], {ISSUER: True}, True, 0),
    ]:
        with case(issuer), pytest.raises(TokenInvalid):
            verify(forged(claims(iss=issuer)))


def test_subject_that_is_no_text(verify: Verify) -> None:
    for subject in [..., None, 0, 1, True, [], ["alice"], {}, {"id": 1}, 1.5]:
        with case(subject), pytest.raises(TokenInvalid):
            verify(forged(claims(sub=subject)))


@pytest.mark.parametrize("name", ["jti", "sid"])
@pytest.mark.parametrize("value", [None, 0, True, [], ["a"], {}, 1.5])
def test_id_that_is_no_text(verify: Verify, name: str, value: object) -> None:
    with pytest.raises(TokenInvalid):
        verify(forged(claims(**{name: value})))


def test_required_claim_left_out(verify: Verify) -> None:
    for name in ["role", "userId"]:
        with case(name):
            with pytest.raises(TokenInvalid):
                verify(forged(claims()), required_claims=(name,))
            with pytest.raises(TokenInvalid):  # in other letters
                verify(forged(claims(**{name.upper(): "user"})), required_claims=(name,))
            assert verify(forged(claims(**{name: "user"})), required_claims=(name,))[name] == "user"


@pytest.mark.parametrize(
    "role", ["root", "Admin", "", None, 1, True, ["user", "root"], {"user": 1}]
)
def test_value_that_is_not_allowed(verify: Verify, role: object) -> None:
    allowed = {"role": {"user", "admin"}, "level": {2}}

    with pytest.raises(TokenInvalid):
        verify(forged(claims(role=role)), allowed_values=allowed)
    assert verify(forged(claims(role="user", level=2)), allowed_values=allowed)["role"] == "user"


def test_lists_nested_where_a_value_is_expected(verify: Verify) -> None:
    depth = 900
    nested = b'"role":' + b"[" * depth + b'"user"' + b"]" * depth

    with pytest.raises(TokenInvalid):
        verify(forged(claims_text(nested)), allowed_values={"role": {"user"}})


def test_payload_that_is_no_object(verify: Verify) -> None:
    for payload in ["null", "true", "7", '"text"', "[]", "[{}]", "", " ", "{", "{}{}"]:
        with case(payload), pytest.raises(TokenMalformed):
            verify(forged(payload))


@pytest.mark.parametrize(
    "octets", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\\ud800", b"\\udc00\\ud800", b"\x00", b"\n"]
)
def test_text_that_is_no_utf8(verify: Verify, octets: bytes) -> None:
    with pytest.raises(TokenMalformed):
        verify(forged(claims_text(b'"name":"' + octets + b'"')))
    with pytest.raises(TokenMalformed):
        verify(forged(claims_text(b'"' + octets + b'":1')))


def test_of_duplicate_claims_the_last_counts(verify: Verify) -> None:
    assert verify(forged(claims_text('"sub":"bob"'))).subject == "bob"
    with pytest.raises(TokenExpired):
        verify(forged(claims_text(f'"exp":{NOW - 1}')))
    with pytest.raises(TokenInvalid):
        verify(forged(claims_text('"aud":"elsewhere"')))


REGISTERED = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"]


def test_own_claims_cannot_overwrite_registered_names() -> None:
    for name in [*REGISTERED, "gen", "sec", "client_id", "auth_time"]:
        with case(name):
            manager = TokenManager(
                TokenPolicy(issuer=ISSUER, audience=AUDIENCE),
                access_keys=KEY,
                refresh_keys=SharedKey.from_secret(OTHER_SECRET),
                store=MemoryStore(),
            )

            with pytest.raises(ClaimsRejected):
                manager.issue("alice", {name: "mallory"})
            if name in REGISTERED:
                with pytest.raises(ClaimsRejected):
                    TokenIssuer(KEY, issuer=ISSUER, audience=AUDIENCE, lifetime=60).issue(
                        "alice", {name: "mallory"}
                    )


def test_own_claims_without_a_json_form() -> None:
    forms: list[Any] = [{"a": math.nan}, {"a": [math.inf]}, {"a": object()}, {7: 1}, [("a", 1)]]
    for own in [*forms, "text", {"a": "\ud800"}]:
        with case(own), pytest.raises(ClaimsRejected):
            TokenIssuer(KEY, issuer=ISSUER, audience=AUDIENCE, lifetime=60).issue("alice", own)


def test_one_purpose_token_is_good_for_nothing_else(verify: Verify) -> None:
    reset = TokenIssuer(
        KEY,
        issuer=ISSUER,
        audience=AUDIENCE,
        lifetime=60,
        typ="password-reset+jwt",
        now=lambda: NOW,
    ).issue("alice")

    assert verify(reset, typ="password-reset+jwt").subject == "alice"
    for typ in ("at+jwt", "email-change+jwt", "password-reset", None):
        with pytest.raises(TokenInvalid):
            verify(reset, typ=typ)
