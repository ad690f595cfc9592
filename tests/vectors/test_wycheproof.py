"""Project Wycheproof's JWS, key and JWE cases, by the corrected labels."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gatepass.errors import GatepassError, KeyRejected, TokenError
from gatepass.jose import ALGORITHMS, KeySet, SharedKey, inspect, verify
from tests.jose.forge import b64, unb64
from tests.vectors.published import load

pytestmark = pytest.mark.vectors

# Wrong for a strict verifier, checked byte by byte: 346 and 350 are PS384 tokens under a PS256
# key, 347 and 351 name the algorithm "ES521", 372 and 373 have a `?` inside a segment.
MUST_REJECT = {346, 347, 350, 351, 372, 373}
# Byte for byte the same token as the valid case 357.
MUST_ACCEPT = {367, 370}

# Guessable, as a test's key may be and a service's may not: no door for keys takes them.
GUESSABLE = {b64(bytes(32)), b64(bytes(range(65)))}

_BY_TYPE = {"RSA": "RS256", "oct": "HS256", "OKP": "EdDSA"}
_BY_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


def _default_algorithm(jwk: dict[str, Any]) -> str | None:
    return _BY_TYPE.get(jwk.get("kty", "")) or _BY_CURVE.get(jwk.get("crv", ""))


def _key_set(material: dict[str, Any]) -> KeySet:
    jwks = material if "keys" in material else {"keys": [material]}
    jwk = jwks["keys"][0]
    if jwk.get("k") in GUESSABLE:
        return KeySet(SharedKey(unb64(jwk["k"]), ALGORITHMS[jwk["alg"]], jwk["kid"]))
    return KeySet.from_jwks(jwks, algorithm=_default_algorithm(jwk), accept_shared_keys=True)


def _is_accepted(material: dict[str, Any], token: str) -> bool:
    try:
        verify(token, _key_set(material))
    except GatepassError:
        return False
    return True


def _cases(name: str, member: str) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    for group in load(f"wycheproof/{name}.json")["testGroups"]:
        material = group.get("public") or group["private"]
        for case in group["tests"]:
            if member in case:
                token = case[member]
                text = token if isinstance(token, str) else json.dumps(token)
                yield material, text, case


SIGNATURES = list(_cases("json_web_signature_test", "jws"))
KEYS = list(_cases("json_web_key_test", "jws"))
CRYPTO = list(_cases("json_web_crypto_test", "jws"))
ENCRYPTED = list(_cases("json_web_encryption_test", "jwe"))


def test_all_476_signature_cases_and_139_encrypted_ones_are_here() -> None:
    assert (len(SIGNATURES), len(KEYS), len(CRYPTO), len(ENCRYPTED)) == (401, 26, 49, 139)


def test_signature_cases_by_their_corrected_labels(subtests: pytest.Subtests) -> None:
    for material, token, case in SIGNATURES:
        expected = case["result"] == "valid"
        if case["tcId"] in MUST_REJECT | MUST_ACCEPT:
            expected = case["tcId"] in MUST_ACCEPT
        with subtests.test(f"{case['tcId']} {case['comment']}"):
            assert _is_accepted(material, token) is expected


def test_key_and_crypto_cases(subtests: pytest.Subtests) -> None:
    for material, token, case in KEYS + CRYPTO:
        with subtests.test(f"{case['tcId']} {case['comment']}"):
            assert _is_accepted(material, token) is (case["result"] == "valid")


@pytest.mark.parametrize("k", sorted(GUESSABLE))
def test_guessable_key_of_the_cases_is_refused_as_jwk(k: str) -> None:
    with pytest.raises(KeyRejected):
        SharedKey.from_jwk({"kty": "oct", "alg": "HS256", "k": k})


def test_encrypted_tokens_are_refused_with_our_own_error(subtests: pytest.Subtests) -> None:
    keys = KeySet.from_jwks({"keys": [_SIGNING_JWK]}, accept_shared_keys=True)
    for material, token, case in ENCRYPTED:
        with subtests.test(f"{case['tcId']} {case['comment']}"):
            with pytest.raises(TokenError):
                verify(token, keys)
            with pytest.raises(TokenError):
                inspect(token)
            assert not _is_accepted(material, token)


_SIGNING_JWK = {"kty": "oct", "alg": "HS256", "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}
