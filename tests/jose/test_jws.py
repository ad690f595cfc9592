"""Signing, verifying and inspecting compact tokens that mean no harm."""

import dataclasses
import hashlib
from typing import Any

import pytest

from gatepass.errors import ClaimsRejected, KeyRejected, TokenInvalid, TokenMalformed
from gatepass.jose import MAX_SIZE, KeySet, SharedKey, inspect, sign, verify
from tests.jose.forge import compact, hmac_signer, parts
from tests.jose.material import (
    ALGORITHMS,
    ASYMMETRIC,
    HMAC,
    OCTETS,
    any_key,
    raw_signer,
    signing_key,
)

KEY = SharedKey.from_bytes(OCTETS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_signed_here_verifies_here(algorithm: str) -> None:
    for payload in (b"", b"\0", b"{}", bytes(range(256))):
        verified = verify(sign(payload, any_key(algorithm)), any_key(algorithm))

        assert verified.payload == payload
        assert verified.header["alg"] == algorithm


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_raw_primitives_sign_verifies_here(algorithm: str) -> None:
    for number in range(16):  # ECDSA values with leading zeros come by
        token = compact({"alg": algorithm}, b"%d" % number, raw_signer(algorithm))

        assert verify(token, any_key(algorithm)).payload == b"%d" % number


@pytest.mark.parametrize("algorithm", HMAC)
def test_shared_key_signs_as_the_standard_library_does(algorithm: str) -> None:
    token = sign(b"payload", any_key(algorithm))

    assert token == compact({"alg": algorithm, "typ": "JWT"}, b"payload", raw_signer(algorithm))


@pytest.mark.parametrize("size", [32, 63, 64, 65, 127, 128, 129, 200])
def test_shared_key_of_any_length_signs_as_the_standard_library_does(size: int) -> None:
    octets = hashlib.shake_256(b"a key of any length").digest(size)
    expected = compact({"alg": "HS256", "typ": "JWT"}, b"payload", hmac_signer(octets))

    assert sign(b"payload", SharedKey.from_bytes(octets)) == expected


def test_header_holds_algorithm_type_and_the_keys_name() -> None:
    key = signing_key("ES256")

    assert parts(sign(b"{}", key))[0] == {"alg": "ES256", "typ": "JWT", "kid": key.kid}
    assert parts(sign(b"{}", key, typ="at+jwt", kid="a"))[0] == {
        "alg": "ES256",
        "typ": "at+jwt",
        "kid": "a",
    }
    assert parts(sign(b"{}", key, typ=None, kid=None))[0] == {"alg": "ES256"}


def test_shared_key_publishes_no_name() -> None:
    assert parts(sign(b"{}", KEY))[0] == {"alg": "HS256", "typ": "JWT"}


def test_claims_are_signed_as_compact_json() -> None:
    token = sign({"sub": "é", "n": 1.5, "deep": [{"a": None}]}, KEY)

    assert verify(token, KEY).payload == '{"sub":"é","n":1.5,"deep":[{"a":null}]}'.encode()


@pytest.mark.parametrize(
    "claims",
    [
        {"a": float("nan")},
        {"a": [1, {"b": float("inf")}]},
        {"a": (float("-inf"),)},
        {"a": {float("nan")}},
        {"a": object()},
        {"a": 10**5000},
        {1: {object(): 1}},
        {"a": "\ud800"},
        7,
        None,
        "text",
        [("a", 1), 1],
    ],
    ids=lambda claims: ascii(type(claims)),
)
def test_claims_without_a_json_form_are_refused(claims: Any) -> None:
    with pytest.raises(ClaimsRejected):
        sign(claims, KEY)


def test_claims_that_hold_themselves_are_refused() -> None:
    claims: dict[str, Any] = {}
    claims["self"] = claims

    with pytest.raises(ClaimsRejected):
        sign(claims, KEY)


def test_whole_numbers_of_any_size_survive() -> None:
    for number in (0, -(2**63) - 1, 2**64, 10**400):
        assert inspect(sign({"a": number}, KEY)).claims == {"a": number}


def test_null_is_a_claim_like_any_other() -> None:
    assert verify(sign({"a": None, "b": [1.5, "null"]}, KEY), KEY).payload


@pytest.mark.parametrize("value", [7, b"JWT", ["JWT"], "\ud800"])
def test_type_and_name_are_text(value: Any) -> None:
    with pytest.raises(ClaimsRejected):
        sign(b"{}", KEY, typ=value)
    with pytest.raises(ClaimsRejected):
        sign(b"{}", KEY, kid=value)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_public_key_does_not_sign(algorithm: str) -> None:
    public = signing_key(algorithm).public()

    with pytest.raises(KeyRejected):
        sign(b"{}", public)
    with pytest.raises(KeyRejected):
        sign(b"{}", KeySet(public, signing_key(algorithm, 1)))


def test_verified_header_cannot_be_changed() -> None:
    verified = verify(sign(b"{}", KEY), KEY)

    with pytest.raises(TypeError):
        verified.header["alg"] = "none"  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        verified.payload = b""  # type: ignore[misc]


def test_verified_and_untrusted_are_of_different_types_that_show_no_payload() -> None:
    token = sign(b'{"email":"someone@example"}', KEY)
    verified, untrusted = verify(token, KEY), inspect(token)

    assert type(verified).__name__ != type(untrusted).__name__
    assert verified.payload == untrusted.payload
    assert "someone" not in repr(verified) + repr(untrusted)
    assert not hasattr(verified, "claims")


def test_inspect_reads_without_a_key() -> None:
    token = compact({"alg": "none", "crit": ["x"]}, {"sub": "a"}, lambda _: b"not a signature")

    untrusted = inspect(token)

    assert untrusted.header == {"alg": "none", "crit": ["x"]}
    assert untrusted.claims == {"sub": "a"}
    assert untrusted.signature == b"not a signature"


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b", "e30.e30", "e30.e30.e30.e30", "é.e30.", "W10.e30.", None, 7],
)
def test_inspect_refuses_what_is_no_compact_token(token: Any) -> None:
    with pytest.raises(TokenMalformed):
        inspect(token)


def test_inspected_payload_need_not_be_claims() -> None:
    untrusted = inspect(compact({}, b"\xff", lambda _: b""))

    assert untrusted.payload == b"\xff"
    with pytest.raises(TokenMalformed):
        _ = untrusted.claims


def test_size_limit_is_a_number_of_characters() -> None:
    token = sign(b"x" * 100, KEY)

    assert verify(token, KEY, max_size=len(token)).payload == b"x" * 100
    assert inspect(token, max_size=len(token)).payload == b"x" * 100
    with pytest.raises(TokenMalformed):
        verify(token, KEY, max_size=len(token) - 1)
    with pytest.raises(TokenMalformed):
        inspect(token, max_size=len(token) - 1)
    with pytest.raises(TokenMalformed):
        verify(sign(b"x" * MAX_SIZE, KEY), KEY)
    assert MAX_SIZE == 8192


def test_headers_signed_before_do_not_pile_up() -> None:
    key = SharedKey.from_bytes(OCTETS)

    for number in range(200):
        token = sign(b"{}", key, typ=f"type-{number}")
        assert parts(token)[0] == {"alg": "HS256", "typ": f"type-{number}"}

    assert len(key.headers) <= 64


def test_headers_seen_before_do_not_pile_up() -> None:
    keys = KeySet(KEY)

    for number in range(500):
        header = {"alg": "HS256", "typ": f"type-{number}"}
        assert verify(compact(header, b"{}", raw_signer("HS256")), keys).header == header

    assert len(keys.prepared) <= 64


def test_forged_headers_are_not_remembered() -> None:
    keys = KeySet(signing_key("ES256").public())

    for number in range(50):
        header = {"alg": "ES256", "typ": f"type-{number}"}
        with pytest.raises(TokenInvalid):
            verify(compact(header, b"{}", lambda _: bytes(64)), keys)

    assert len(keys.prepared) == 0
