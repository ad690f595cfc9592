"""The examples of RFC 7515, 7520, 7638, 7797 and 8037, and the JOSE cookbook's."""

from typing import Any

import pytest

from gatepass.errors import KeyRejected, TokenError
from gatepass.jose import Key, KeySet, SharedKey, SigningKey, VerificationKey, sign, verify
from tests.jose.forge import jwk_thumbprint, unb64
from tests.vectors.published import load

pytestmark = pytest.mark.vectors

EXAMPLES = load("rfc/rfc_examples.json")
COOKBOOK = [
    "jws/4_1.rsa_v15_signature",
    "jws/4_4.hmac-sha2_integrity_protection",
    "jws/4_6.protecting_specific_header_fields",
    "curve25519/jws",
]
DETACHED = "jws/4_5.signature_with_detached_content"
OTHER_FORMS = ["rfc7797/4.2.hmac-sha2_b64_false", "rfc7797/hmac-sha2_b64_false"]


def _key_set(jwk: dict[str, Any], algorithm: str) -> KeySet:
    return KeySet.from_jwks({"keys": [jwk]}, algorithm=algorithm, accept_shared_keys=True)


def _signing(jwk: dict[str, Any], algorithm: str) -> Key:
    maker = SharedKey if jwk["kty"] == "oct" else SigningKey
    return maker.from_jwk(jwk, algorithm=algorithm)


@pytest.mark.parametrize("example", EXAMPLES["jws"], ids=lambda example: example["id"])
def test_rfc_example(example: dict[str, Any]) -> None:
    keys = _key_set(example["key"], example["alg"])

    if example["expect"] == "valid":
        assert verify(example["token"], keys).payload == unb64(example["payload_b64u"])
    else:
        with pytest.raises(TokenError):
            verify(example["token"], keys)


@pytest.mark.parametrize("example", EXAMPLES["thumbprints"], ids=lambda example: example["id"])
def test_rfc_thumbprint(example: dict[str, Any]) -> None:
    unnamed = {name: value for name, value in example["jwk"].items() if name != "kid"}
    key = VerificationKey.from_jwk(unnamed)

    assert key.kid == key.thumbprint == jwk_thumbprint(unnamed) == example["sha256"]


@pytest.mark.parametrize("name", COOKBOOK)
def test_cookbook_example_is_signed_byte_for_byte(name: str) -> None:
    example = load(f"cookbook/{name}.json")
    assert example["reproducible"] is True
    given, signing = example["input"], example["signing"]
    protected = signing["protected"]
    key = _signing(given["key"], given["alg"])

    token = sign(given["payload"].encode(), key, typ=protected.get("typ"), kid=protected.get("kid"))

    assert token == f"{signing['sig-input']}.{signing['sig']}"
    assert token == example["output"].get("compact", token)
    assert verify(token, key).payload == given["payload"].encode()


def test_cookbook_example_with_detached_content_has_the_signature_of_the_whole() -> None:
    example = load(f"cookbook/{DETACHED}.json")
    assert example["reproducible"] is True
    given, signing = example["input"], example["signing"]
    key = SharedKey.from_jwk(given["key"])

    token = sign(given["payload"].encode(), key, typ=None, kid=signing["protected"]["kid"])

    assert token == f"{signing['sig-input']}.{signing['sig']}"
    with pytest.raises(TokenError):
        verify(example["output"]["compact"], key)


@pytest.mark.parametrize(
    "name", ["jws/4_2.rsa-pss_signature", "jws/4_3.ecdsa_signature", "curve25519/jws"]
)
def test_cookbook_example_verifies_under_its_public_key(name: str) -> None:
    example = load(f"cookbook/{name}.json")
    given = example["input"]
    key = _signing(given["key"], given["alg"])
    assert isinstance(key, SigningKey)

    payload = verify(example["output"]["compact"], key.public()).payload

    assert payload == given["payload"].encode()


def test_cookbook_nested_token_verifies_and_its_encryption_is_refused() -> None:
    example = load("cookbook/6.nesting_signatures_and_encryption.json")
    given = example["sign"]["input"]
    key = SigningKey.from_jwk(given["key"], algorithm=given["alg"])
    token = example["sign"]["output"]["compact"]

    # The token names no key, and a key that has a name still verifies it.
    assert verify(token, key).payload == given["payload"].encode()
    with pytest.raises(TokenError):
        verify(example["encrypt"]["output"]["compact"], key)


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_unencoded_payload_is_refused(name: str) -> None:
    example = load(f"cookbook/{name}.json")
    key = SharedKey.from_jwk(example["input"]["key"])
    signing = example["signing"]
    given = example["output"].get("compact", f"{signing['sig-input']}.{signing['sig']}")

    with pytest.raises(TokenError):
        verify(given, key)


@pytest.mark.parametrize(
    "name",
    ["3_1.ec_public_key", "3_2.ec_private_key", "3_3.rsa_public_key", "3_4.rsa_private_key"],
)
def test_cookbook_jwk_loads_and_keeps_its_name(name: str) -> None:
    jwk = load(f"cookbook/jwk/{name}.json")
    maker = SigningKey if "d" in jwk else VerificationKey
    algorithm = "ES512" if jwk["kty"] == "EC" else "PS384"

    key = maker.from_jwk(jwk, algorithm=algorithm)

    assert (key.kid, key.algorithm) == ("bilbo.baggins@hobbiton.example", algorithm)


def test_cookbook_mac_key_loads_and_its_encryption_key_does_not() -> None:
    mac = load("cookbook/jwk/3_5.symmetric_key_mac_computation.json")
    encryption = load("cookbook/jwk/3_6.symmetric_key_encryption.json")

    assert SharedKey.from_jwk(mac).kid == mac["kid"]
    with pytest.raises(KeyRejected):
        SharedKey.from_jwk(encryption)
