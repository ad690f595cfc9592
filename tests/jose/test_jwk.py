"""JSON Web Keys that are refused: wrong members, sizes, uses and algorithms."""

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from gatepass.errors import KeyRejected
from gatepass.jose import KeySet, SharedKey, SigningKey, VerificationKey, sign, verify
from tests.cases import case
from tests.jose.forge import b64, unb64
from tests.jose.material import (
    CURVE_NAMES,
    ECDSA,
    OCTETS,
    ROCA_PRIMES,
    private_jwk_of,
    private_key,
    public_jwk_of,
    roca_key,
    rough_number,
    rsa_key,
    signing_key,
)

EC = public_jwk_of(private_key("ES256"))
EC_PRIVATE = private_jwk_of(private_key("ES256"))
ED = public_jwk_of(private_key("EdDSA"))
ED_PRIVATE = private_jwk_of(private_key("EdDSA"))
RSA = public_jwk_of(rsa_key()) | {"alg": "RS256"}
RSA_PRIVATE = private_jwk_of(rsa_key()) | {"alg": "RS256"}
OCT = {"kty": "oct", "alg": "HS256", "k": b64(OCTETS)}


def _without(jwk: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in names}


def _refused(jwk: Any) -> None:
    """No door takes this JWK, and none raises anything but its own error."""
    for make in (VerificationKey.from_jwk, SigningKey.from_jwk, SharedKey.from_jwk):
        with pytest.raises(KeyRejected):
            make(jwk)
    with pytest.raises(KeyRejected):
        KeySet.from_jwks({"keys": [jwk]})


@pytest.mark.parametrize("jwk", [EC, ED, RSA, OCT], ids=["EC", "OKP", "RSA", "oct"])
def test_every_member_must_be_its_kind_of_text(jwk: dict[str, Any]) -> None:
    wrong: Any = (None, "", 7, True, [], {}, "é", "a b", "AQ==", "A", "A" * 9000)
    for name, value in product(_without(jwk, "alg", "kid", "use"), wrong):
        with case(name, value):
            _refused({**jwk, name: value})


@pytest.mark.parametrize("jwk", [EC, ED, RSA, OCT], ids=["EC", "OKP", "RSA", "oct"])
def test_no_member_may_be_missing(jwk: dict[str, Any]) -> None:
    for name in _without(jwk, "alg"):
        _refused(_without(jwk, name))


def test_ec_jwk_without_its_curve_is_refused_though_it_names_an_algorithm() -> None:
    _refused(_without(EC | {"alg": "ES256"}, "crv"))
    _refused(_without(EC_PRIVATE | {"alg": "ES256"}, "crv"))
    _refused(_without(ED | {"alg": "EdDSA"}, "crv"))
    _refused(_without(ED_PRIVATE | {"alg": "EdDSA"}, "crv"))


@pytest.mark.parametrize("jwk", [None, 7, "JWK", b"JWK", [], [EC], {}, {"kty": "EC"}])
def test_what_is_no_jwk_is_refused(jwk: object) -> None:
    _refused(jwk)


@pytest.mark.parametrize("kty", ["ec", "EC ", "AKP", "RSA", "OKP", "oct", "", None, 7, ["EC"]])
def test_key_type_must_fit(kty: object) -> None:
    _refused({**EC, "kty": kty})


@pytest.mark.parametrize("crv", ["P-384", "P-521", "secp256k1", "Ed25519", "p-256", None, 7, []])
def test_curve_must_fit(crv: object) -> None:
    _refused({**EC, "alg": "ES256", "crv": crv})
    _refused({**EC_PRIVATE, "alg": "ES256", "crv": crv})


@pytest.mark.parametrize("crv", ["Ed448", "X25519", "P-256", "ed25519"])
def test_octet_key_pair_must_be_ed25519(crv: str) -> None:
    _refused({**ED, "crv": crv})
    _refused({**ED, "crv": crv, "alg": "EdDSA"})


@pytest.mark.parametrize("algorithm", ECDSA)
@pytest.mark.parametrize("name", ["x", "y"])
def test_ec_coordinate_has_exactly_the_curves_length(algorithm: str, name: str) -> None:
    jwk = public_jwk_of(private_key(algorithm))
    octets = unb64(jwk[name])

    _refused({**jwk, name: b64(b"\0" + octets)})
    _refused({**jwk, name: b64(octets + b"\0")})
    _refused({**jwk, name: b64(octets[1:])})


@pytest.mark.parametrize("algorithm", ECDSA)
def test_point_off_the_curve_is_refused(algorithm: str) -> None:
    jwk = public_jwk_of(private_key(algorithm))
    size = len(unb64(jwk["x"]))

    _refused({**jwk, "y": jwk["x"]})
    _refused({**jwk, "x": b64(bytes(size)), "y": b64(bytes(size))})
    _refused({**jwk, "x": b64(b"\xff" * size)})
    assert jwk["crv"] == CURVE_NAMES[algorithm]


@pytest.mark.parametrize("d", [b"", bytes(32), b"\xff" * 32, b"\1", b"\0" + bytes(32)])
def test_ec_private_value_out_of_range_is_refused(d: bytes) -> None:
    with pytest.raises(KeyRejected):
        SigningKey.from_jwk({**EC_PRIVATE, "d": b64(d)})


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_ed25519_values_have_exactly_32_octets(size: int) -> None:
    _refused({**ED, "x": b64(bytes(range(size)))})
    with pytest.raises(KeyRejected):
        SigningKey.from_jwk({**ED_PRIVATE, "d": b64(bytes(range(size)))})


def test_private_members_of_another_key_are_refused() -> None:
    for mine, other in (
        (EC_PRIVATE, private_jwk_of(private_key("ES256", 1))),
        (ED_PRIVATE, private_jwk_of(private_key("EdDSA", 1))),
        (RSA_PRIVATE, private_jwk_of(rsa_key(1))),
    ):
        with pytest.raises(KeyRejected):
            SigningKey.from_jwk({**mine, "d": other["d"]})
    with pytest.raises(KeyRejected):
        SigningKey.from_jwk({**_without(RSA_PRIVATE, "p", "q", "dp", "dq", "qi"), "d": b64(b"\3")})


@pytest.mark.parametrize("name", ["p", "q", "dp", "dq", "qi"])
def test_rsa_private_members_must_belong_together(name: str) -> None:
    with pytest.raises(KeyRejected):
        SigningKey.from_jwk({**RSA_PRIVATE, name: b64(b"\7" * 128)})
    if name != "p":
        with pytest.raises(KeyRejected):
            SigningKey.from_jwk(_without(RSA_PRIVATE, name))


def test_rsa_key_of_more_than_two_primes_is_refused() -> None:
    with pytest.raises(KeyRejected):
        SigningKey.from_jwk({**RSA_PRIVATE, "oth": [{"r": "AQ", "d": "AQ", "t": "AQ"}]})


@pytest.mark.parametrize("exponent", [0, 1, 2, 4, 65536, 65538])
def test_rsa_exponent_must_be_odd_and_above_one(exponent: int) -> None:
    _refused({**RSA, "e": b64(exponent.to_bytes(3, "big").lstrip(b"\0"))})


def test_rsa_exponent_of_three_is_taken_and_one_as_large_as_the_modulus_is_not() -> None:
    assert VerificationKey.from_jwk({**RSA, "e": "Aw"}).algorithm == "RS256"
    _refused({**RSA, "e": RSA["n"]})


def test_rsa_exponent_that_makes_every_verification_slow_is_refused() -> None:
    longest = (1 << 64) - 1
    assert VerificationKey.from_jwk({**RSA, "e": b64(longest.to_bytes(8))}).algorithm == "RS256"
    for huge in (longest + 2, (1 << 255) + 1, (1 << 2046) + 1):
        _refused({**RSA, "e": b64(huge.to_bytes((huge.bit_length() + 7) // 8))})


def test_rsa_numbers_have_no_leading_zeros() -> None:
    for name in ("n", "e"):
        _refused({**RSA, name: b64(b"\0" + unb64(RSA[name]))})


def test_rsa_modulus_stays_within_2048_to_8192_bits() -> None:
    for bits in (2047, 8193):
        _refused({**RSA, "n": b64(rough_number(bits).to_bytes((bits + 7) // 8))})
    for bits in (2048, 8192):
        jwk = {**RSA, "n": b64(rough_number(bits).to_bytes(bits // 8))}
        assert VerificationKey.from_jwk(jwk).algorithm == "RS256"


def test_rsa_key_with_the_roca_fingerprint_is_refused() -> None:
    weak = roca_key()

    with pytest.raises(KeyRejected, match="2017-15361"):
        VerificationKey.from_jwk(public_jwk_of(weak), algorithm="RS256")
    with pytest.raises(KeyRejected, match="2017-15361"):
        SigningKey.from_jwk(private_jwk_of(weak), algorithm="RS256")


def test_rsa_modulus_that_lacks_the_roca_fingerprint_at_one_prime_is_accepted() -> None:
    weak = roca_key().public_key().public_numbers().n
    for prime in ROCA_PRIMES:
        powers = {pow(65537, exponent, prime) for exponent in range(prime)}
        if missing := {*range(1, prime)} - powers:
            others = math.prod(ROCA_PRIMES) // prime
            modulus = weak + (min(missing) - weak) * pow(others, -1, prime) % prime * others
            while any(modulus % factor == 0 for factor in range(2, 1 << 12)):
                modulus += others * prime
            jwk = {"kty": "RSA", "e": "AQAB", "n": b64(modulus.to_bytes(256))}

            assert VerificationKey.from_jwk(jwk, algorithm="RS256").algorithm == "RS256", prime


@pytest.mark.parametrize("jwk", [EC, ED, RSA, OCT], ids=["EC", "OKP", "RSA", "oct"])
def test_key_of_another_use_or_without_the_operation_is_refused(jwk: dict[str, Any]) -> None:
    for use in ("enc", "", "SIG", 7, ["sig"]):
        with case(use):
            _refused({**jwk, "use": use})
    others: Any = ([], ["encrypt"], ["sign, verify"], "verify", 7, {})
    for operations in others:
        with case(operations):
            _refused({**jwk, "key_ops": operations})


def test_operations_are_honoured_one_by_one() -> None:
    assert VerificationKey.from_jwk({**EC, "key_ops": ["verify"]}).kid
    assert SigningKey.from_jwk({**EC_PRIVATE, "key_ops": ["sign"]}).kid
    with pytest.raises(KeyRejected):
        VerificationKey.from_jwk({**EC, "key_ops": ["sign"]})
    with pytest.raises(KeyRejected):
        SigningKey.from_jwk({**EC_PRIVATE, "key_ops": ["verify"]})


def test_shared_key_signs_and_verifies_so_its_operations_allow_both() -> None:
    key = SharedKey.from_jwk({**OCT, "key_ops": ["verify", "sign"]})

    assert verify(sign(b"payload", key), key).payload == b"payload"
    for operation in ("sign", "verify"):
        _refused({**OCT, "key_ops": [operation]})


@pytest.mark.parametrize(
    "algorithm", ["ES384", "RS256", "HS256", "none", "", "es256", 7, ["ES256"]]
)
def test_algorithm_of_the_jwk_is_honoured(algorithm: object) -> None:
    _refused({**EC, "alg": algorithm})


def test_algorithm_argument_serves_only_keys_that_name_none() -> None:
    assert VerificationKey.from_jwk(RSA, algorithm="PS512").algorithm == "RS256"
    assert VerificationKey.from_jwk(_without(RSA, "alg"), algorithm="PS512").algorithm == "PS512"
    assert VerificationKey.from_jwk(ED, algorithm="Ed25519").algorithm == "Ed25519"
    assert VerificationKey.from_jwk(ED).algorithm == "EdDSA"
    assert VerificationKey.from_jwk(EC, algorithm="RS256").algorithm == "ES256"


@pytest.mark.parametrize("kid", ["", 7, [], {}, "k" * 257])
def test_name_is_a_short_text(kid: object) -> None:
    _refused({**EC, "kid": kid})
    _refused({**OCT, "kid": kid})


def test_public_door_refuses_a_private_key() -> None:
    for jwk in (EC_PRIVATE, ED_PRIVATE, RSA_PRIVATE):
        with pytest.raises(KeyRejected, match="private"):
            VerificationKey.from_jwk(jwk)


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 31), ("HS384", 47), ("HS512", 63)])
def test_shared_jwk_is_as_long_as_the_hash(algorithm: str, size: int) -> None:
    _refused({**OCT, "alg": algorithm, "k": b64(OCTETS[:size])})
    key = SharedKey.from_jwk({**OCT, "alg": algorithm, "k": b64(OCTETS[: size + 1])})
    assert key.algorithm == algorithm


def test_unknown_members_are_ignored() -> None:
    jwk = signing_key("ES256").public().to_jwk() | {"x5c": ["MII="], "iat": 1, "ext": True}

    assert VerificationKey.from_jwk(jwk).kid == jwk["kid"]
