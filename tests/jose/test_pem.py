"""PEM texts that are refused: foreign keys, weak keys, wrong passwords, no PEM at all."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, x25519

from gatepass.errors import KeyRejected
from gatepass.jose import SigningKey, VerificationKey
from tests.jose.material import (
    pem_of,
    private_key,
    public_pem_of,
    rsa_key,
    signing_key,
)

PASSWORD = b"only for this test"


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


@pytest.mark.parametrize("exponent", [0, 1, 2, 4, 65536, (1 << 64) + 1])
def test_pem_of_an_rsa_key_with_a_useless_or_huge_exponent_is_refused(exponent: int) -> None:
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


def _ssh(*, private: bool) -> bytes:
    key, encoding = private_key("ES256"), serialization.Encoding
    if not private:
        public = serialization.PublicFormat.OpenSSH
        return key.public_key().public_bytes(encoding.OpenSSH, public)
    plain = serialization.NoEncryption()
    return key.private_bytes(encoding.PEM, serialization.PrivateFormat.OpenSSH, plain)


def _old_encrypted() -> bytes:
    """In the form of OpenSSL before PKCS #8."""
    encrypted = serialization.BestAvailableEncryption(PASSWORD)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return private_key("ES256").private_bytes(serialization.Encoding.PEM, form, encrypted)


CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIDBTCCAe2gAwIBAgIQ\n-----END CERTIFICATE-----\n"
PRIVATE, PUBLIC = pem_of(private_key("ES256")), public_pem_of(private_key("ES256"))
ENCRYPTED = signing_key("ES256").to_pem(password=PASSWORD).encode()
DAMAGED = PRIVATE.replace(b"MI", b"AA")
CAUSES: dict[str, tuple[Any, Any, str]] = {
    "certificate": (CERTIFICATE, None, "a certificate: .*openssl x509 -pubkey"),
    "request": (CERTIFICATE.replace(b"IFICATE", b"IFICATE REQUEST"), None, "a certificate request"),
    "public for private": (PUBLIC, None, "a public key, .*VerificationKey.from_pem"),
    "OpenSSH": (_ssh(private=True), None, "OpenSSH's form: .*ssh-keygen -p -m PKCS8"),
    "OpenSSH, public": (_ssh(private=False), None, "OpenSSH's form: .*ssh-keygen -e -m PKCS8"),
    "encrypted": (ENCRYPTED, None, "the PEM is encrypted: pass password="),
    "encrypted, the old way": (_old_encrypted(), None, "the PEM is encrypted: pass password="),
    "wrong password": (ENCRYPTED, b"other", "the password is wrong, or the PEM is damaged"),
    "needless password": (PRIVATE, b"other", "the PEM is not encrypted: leave password out"),
    "password as text": (ENCRYPTED, PASSWORD.decode(), "bytes, and not str: .*encode"),
    "empty password": (PRIVATE, b"", "the password is empty"),
    "literal line ends": (PRIVATE.replace(b"\n", b"\\n"), None, "a backslash and an n"),
    "damaged": (DAMAGED, None, "the PEM is damaged"),
    "the name of a file": ("/etc/keys/private.pem", None, "no line -----BEGIN .*not its name"),
    "a JWK": ('{"kty": "EC"}', None, "JSON: from_jwk"),
    "nothing": ("", None, "no line -----BEGIN"),
    "no text": (7, None, "text or bytes, and not int"),
    "a key on another curve": (_foreign_keys()["secp256k1"], None, "curve secp256k1; .* P-256"),
    "a key of another kind": (_foreign_keys()["X25519"], None, "a kind of key that no algorithm"),
    "too long": ("x" * 70_000, None, "64 KiB"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_for_no_private_key_has_its_own_sentence(cause: str) -> None:
    pem, password, why = CAUSES[cause]

    with pytest.raises(KeyRejected, match=why) as rejected:
        SigningKey.from_pem(pem, password=password)
    assert "\n" not in str(rejected.value)
    assert str(rejected.value).isprintable()


PUBLIC_CAUSES: dict[str, tuple[Any, str]] = {
    "certificate": (CERTIFICATE, "a certificate: .*openssl x509 -pubkey"),
    "private for public": (PRIVATE, "a private key, .*SigningKey.from_pem"),
    "OpenSSH": (_ssh(private=False), "OpenSSH's form"),
    "OpenSSH, private": (_ssh(private=True), "OpenSSH's form"),
    "literal line ends": (PUBLIC.replace(b"\n", b"\\n"), "a backslash and an n"),
    "damaged": (PUBLIC.replace(b"MF", b"AA"), "the PEM is damaged"),
    "a key set": ('{"keys": []}', "JSON: .*KeySet.from_jwks"),
}


@pytest.mark.parametrize("cause", PUBLIC_CAUSES)
def test_each_cause_for_no_public_key_has_its_own_sentence(cause: str) -> None:
    pem, why = PUBLIC_CAUSES[cause]

    with pytest.raises(KeyRejected, match=why):
        VerificationKey.from_pem(pem)


def test_an_algorithm_names_the_kind_of_key_that_it_does_not_take() -> None:
    with pytest.raises(KeyRejected, match="ES256 does not take a key on the curve P-384"):
        SigningKey.from_pem(pem_of(private_key("ES384")), algorithm="ES256")
    with pytest.raises(KeyRejected, match="RS256 does not take a key on the curve P-256"):
        SigningKey.from_pem(pem_of(private_key("ES256")), algorithm="RS256")


@pytest.mark.parametrize(("password", "why"), [("pw", "bytes, and not str"), (b"", "is empty")])
def test_a_password_that_would_not_protect_a_pem_is_refused(password: Any, why: str) -> None:
    with pytest.raises(KeyRejected, match=why):
        signing_key("ES256").to_pem(password=password)
