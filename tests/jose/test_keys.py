"""Keys in and out as PEM and JWK, and the keys that are refused."""

import base64
import copy
import json
import pickle

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, x25519

from gatepass.errors import KeyRejected, TokenInvalid
from gatepass.jose import SharedKey, SigningKey, VerificationKey, sign, verify
from tests.jose.forge import b64, jwk_thumbprint
from tests.jose.material import (
    ALGORITHMS,
    ASYMMETRIC,
    ECDSA,
    EDDSA,
    HMAC,
    OCTETS,
    RSA,
    SECRET,
    any_key,
    pem_of,
    private_jwk_of,
    private_key,
    public_jwk_of,
    public_pem_of,
    rsa_key,
    signing_key,
)

PASSWORD = b"only for this test"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_private_key_survives_pem(algorithm: str) -> None:
    key = signing_key(algorithm)

    again = SigningKey.from_pem(key.to_pem(), algorithm=algorithm)
    locked = SigningKey.from_pem(
        key.to_pem(password=PASSWORD), algorithm=algorithm, password=PASSWORD
    )

    assert again.kid == locked.kid == key.kid
    assert verify(sign(b"payload", again), key.public()).payload == b"payload"
    assert verify(sign(b"payload", locked), key.public()).payload == b"payload"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_public_key_survives_pem_and_jwk(algorithm: str) -> None:
    token = sign(b"payload", signing_key(algorithm))
    public = signing_key(algorithm).public()

    from_pem = VerificationKey.from_pem(public.to_pem().encode(), algorithm=algorithm)
    from_jwk = VerificationKey.from_jwk(json.loads(json.dumps(public.to_jwk())))

    assert from_pem.to_jwk() == from_jwk.to_jwk() == public.to_jwk()
    assert public.to_pem().encode() == public_pem_of(private_key(algorithm))
    for key in (from_pem, from_jwk):
        assert verify(token, key).payload == b"payload"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_public_jwk_names_key_use_algorithm_and_thumbprint(algorithm: str) -> None:
    expected = public_jwk_of(private_key(algorithm))

    jwk = signing_key(algorithm).public().to_jwk()

    kid = jwk_thumbprint(expected)
    assert jwk == expected | {"use": "sig", "alg": algorithm, "kid": kid}
    assert signing_key(algorithm).kid == kid


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_private_jwk_signs(algorithm: str) -> None:
    jwk = private_jwk_of(private_key(algorithm))

    key = SigningKey.from_jwk(jwk, algorithm=algorithm)

    assert verify(sign(b"payload", key), signing_key(algorithm).public()).payload == b"payload"


@pytest.mark.parametrize("algorithm", ["RS256", "PS512"])
def test_private_rsa_jwk_may_leave_out_its_primes(algorithm: str) -> None:
    jwk = private_jwk_of(private_key(algorithm))
    short = {name: jwk[name] for name in ("kty", "n", "e", "d")}

    key = SigningKey.from_jwk(short, algorithm=algorithm)

    assert verify(sign(b"payload", key), signing_key(algorithm).public()).payload == b"payload"


@pytest.mark.parametrize("algorithm", HMAC)
def test_shared_key_survives_its_jwk(algorithm: str) -> None:
    jwk = {"kty": "oct", "alg": algorithm, "k": b64(OCTETS)}
    key = SharedKey.from_jwk(jwk)

    assert key.algorithm == algorithm
    assert key.kid is None
    assert verify(sign(b"payload", key), any_key(algorithm)).payload == b"payload"
    assert SharedKey.from_jwk({**jwk, "kid": "mine"}).kid == "mine"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_generated_key_verifies_its_own_tokens_only(algorithm: str) -> None:
    make = SharedKey.generate if algorithm in HMAC else SigningKey.generate
    key, stranger = make(algorithm), any_key(algorithm)

    token = sign(b"payload", key)

    assert key.algorithm == algorithm
    assert verify(token, key).payload == b"payload"
    with pytest.raises(TokenInvalid):
        verify(token, stranger)


def test_shared_key_is_hs256_unless_it_says_otherwise() -> None:
    assert SharedKey.generate().algorithm == "HS256"
    assert SharedKey.from_secret(SECRET).algorithm == "HS256"
    assert SharedKey.from_bytes(OCTETS).algorithm == "HS256"


@pytest.mark.parametrize("algorithm", ECDSA)
def test_curve_chooses_the_algorithm(algorithm: str) -> None:
    assert SigningKey.from_pem(pem_of(private_key(algorithm))).algorithm == algorithm
    assert VerificationKey.from_pem(public_pem_of(private_key(algorithm))).algorithm == algorithm
    assert VerificationKey.from_jwk(public_jwk_of(private_key(algorithm))).algorithm == algorithm


def test_rsa_key_without_algorithm_is_refused() -> None:
    with pytest.raises(KeyRejected, match="algorithm"):
        SigningKey.from_pem(pem_of(rsa_key()))
    with pytest.raises(KeyRejected, match="algorithm"):
        VerificationKey.from_pem(public_pem_of(rsa_key()))
    with pytest.raises(KeyRejected, match="algorithm"):
        VerificationKey.from_jwk(public_jwk_of(rsa_key()))


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("other", ALGORITHMS)
def test_key_of_another_family_or_curve_is_refused(algorithm: str, other: str) -> None:
    families = (RSA, EDDSA, *((name,) for name in ECDSA))
    if any({algorithm, other} <= set(family) for family in families):
        return

    with pytest.raises(KeyRejected):
        SigningKey.from_pem(pem_of(private_key(algorithm)), algorithm=other)
    with pytest.raises(KeyRejected):
        VerificationKey.from_pem(public_pem_of(private_key(algorithm)), algorithm=other)
    with pytest.raises(KeyRejected):
        VerificationKey.from_jwk(public_jwk_of(private_key(algorithm)) | {"alg": other})


@pytest.mark.parametrize("algorithm", ["none", "None", "", "hs256", "ES256K", "RSA-OAEP", "A256KW"])
def test_algorithm_outside_the_table_is_refused(algorithm: str) -> None:
    with pytest.raises(KeyRejected):
        SharedKey.from_bytes(OCTETS, algorithm)
    with pytest.raises(KeyRejected):
        SharedKey.generate(algorithm)
    with pytest.raises(KeyRejected):
        SigningKey.generate(algorithm)
    with pytest.raises(KeyRejected):
        SigningKey.from_pem(pem_of(rsa_key()), algorithm=algorithm)


def test_kinds_of_key_do_not_stand_in_for_each_other() -> None:
    with pytest.raises(KeyRejected):
        SigningKey.generate("HS256")
    with pytest.raises(KeyRejected):
        SharedKey.generate("RS256")
    with pytest.raises(KeyRejected):
        SharedKey.from_bytes(OCTETS, "ES256")
    with pytest.raises(KeyRejected):
        SharedKey.from_secret(SECRET, algorithm="EdDSA")


@pytest.mark.parametrize("size", [1024, 1536, 2040])
def test_rsa_key_below_2048_bits_is_refused(size: int) -> None:
    key = rsa_key(size=size)

    with pytest.raises(KeyRejected, match="2048"):
        SigningKey.from_pem(pem_of(key), algorithm="RS256")
    with pytest.raises(KeyRejected, match="2048"):
        VerificationKey.from_jwk(public_jwk_of(key), algorithm="PS256")
    with pytest.raises(KeyRejected, match="2048"):
        SigningKey.from_jwk(private_jwk_of(key), algorithm="RS256")


def _spki_pem(modulus: int, exponent: int) -> bytes:
    """An RSA public key in PEM form that no library would write."""

    def tagged(tag: int, octets: bytes) -> bytes:
        size = len(octets)
        return bytes([tag, size] if size < 128 else [tag, 0x82, *size.to_bytes(2)]) + octets

    numbers = (value.to_bytes(value.bit_length() // 8 + 1) for value in (modulus, exponent))
    key = tagged(0x30, b"".join(tagged(2, octets) for octets in numbers))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    der = tagged(0x30, algorithm + tagged(3, b"\0" + key))
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n".encode()


@pytest.mark.parametrize("exponent", [0, 1, 2, 4, 65536])
def test_pem_of_an_rsa_key_with_an_exponent_that_hides_nothing_is_refused(exponent: int) -> None:
    modulus = rsa_key().public_key().public_numbers().n

    with pytest.raises(KeyRejected):
        VerificationKey.from_pem(_spki_pem(modulus, exponent), algorithm="RS256")
    assert VerificationKey.from_pem(_spki_pem(modulus, 3), algorithm="RS256").algorithm == "RS256"


def _foreign_keys() -> dict[str, bytes]:
    encoding, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    keys: dict[
        str, x25519.X25519PrivateKey | ed448.Ed448PrivateKey | ec.EllipticCurvePrivateKey
    ] = {
        "X25519": x25519.X25519PrivateKey.generate(),
        "Ed448": ed448.Ed448PrivateKey.generate(),
        "secp256k1": ec.generate_private_key(ec.SECP256K1()),
        "P-224": ec.generate_private_key(ec.SECP224R1()),
        "brainpool": ec.generate_private_key(ec.BrainpoolP256R1()),
    }
    return {
        name: key.private_bytes(encoding, pkcs8, serialization.NoEncryption())
        for name, key in keys.items()
    }


@pytest.mark.parametrize(("name", "pem"), _foreign_keys().items(), ids=lambda value: str(value)[:9])
def test_key_that_no_algorithm_uses_is_refused(name: str, pem: bytes) -> None:
    assert name
    public = serialization.load_pem_private_key(pem, None).public_key()
    public_pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    for algorithm in (None, "ES256", "EdDSA", "RS256"):
        with pytest.raises(KeyRejected):
            SigningKey.from_pem(pem, algorithm=algorithm)
        with pytest.raises(KeyRejected):
            VerificationKey.from_pem(public_pem, algorithm=algorithm)


@pytest.mark.parametrize(
    "text",
    ["", "PEM", b"\xff\xfe", "-----BEGIN PRIVATE KEY-----", "\ud800", "x" * 70_000, 7, None, ["x"]],
    ids=lambda text: repr(text)[:20],
)
def test_text_that_is_no_pem_is_refused(text: str) -> None:
    with pytest.raises(KeyRejected):
        SigningKey.from_pem(text, algorithm="ES256")
    with pytest.raises(KeyRejected):
        VerificationKey.from_pem(text, algorithm="ES256")


def test_public_and_private_pem_are_told_apart() -> None:
    key = private_key("ES256")

    with pytest.raises(KeyRejected):
        SigningKey.from_pem(public_pem_of(key))
    with pytest.raises(KeyRejected):
        VerificationKey.from_pem(pem_of(key))


def test_encrypted_pem_needs_its_password() -> None:
    pem = signing_key("ES256").to_pem(password=PASSWORD)

    for password in (None, b"another password"):
        with pytest.raises(KeyRejected):
            SigningKey.from_pem(pem, password=password)
    with pytest.raises(KeyRejected):  # and a plain one takes none
        SigningKey.from_pem(signing_key("ES256").to_pem(), password=PASSWORD)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_key_shows_none_of_its_material(algorithm: str) -> None:
    key = any_key(algorithm)
    shown = repr(key) + str(key) + f"{key}"
    hidden = [SECRET, OCTETS.hex(), b64(OCTETS), str(OCTETS)]
    if algorithm in ASYMMETRIC:
        jwk = private_jwk_of(private_key(algorithm))
        hidden = [jwk[name] for name in ("d", "p", "q", "dp", "dq", "qi") if name in jwk]

    assert algorithm in shown
    assert not any(text in shown for text in hidden)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_key_cannot_be_pickled_or_copied_by_accident(algorithm: str) -> None:
    key = any_key(algorithm)

    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(key)
    with pytest.raises(TypeError, match="cannot be pickled"):
        copy.deepcopy(key)


def test_given_name_replaces_the_thumbprint() -> None:
    private = SigningKey.from_pem(pem_of(private_key("ES256")), kid="autumn")
    public = VerificationKey.from_pem(public_pem_of(private_key("ES256")), kid="autumn")

    assert (private.kid, public.kid, private.public().kid) == ("autumn", "autumn", "autumn")
    assert public.to_jwk()["kid"] == "autumn"
    assert public.thumbprint == signing_key("ES256").kid
