"""Keys for the tests, each made once per process, and their raw forms."""

import math
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gatepass.jose import SharedKey, SigningKey
from tests.jose.forge import PrivateKey, Sign, b64, hmac_signer, signer

HMAC = ("HS256", "HS384", "HS512")
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ECDSA = ("ES256", "ES384", "ES512")
EDDSA = ("EdDSA", "Ed25519")
ASYMMETRIC = (*RSA, *ECDSA, *EDDSA)
ALGORITHMS = (*HMAC, *ASYMMETRIC)

SECRET = "c9V-3xqLr7_TzWk0hYbN5sGfJ2uPmE8aXoRd"
OTHER_SECRET = "Jw4_nQ8zKc-6yVtB1hXsGe7rLpU0oFmDi9Ta"
OCTETS = bytes.fromhex(
    "9f1c62d7a4058be33d7790c2e81b46fa5520c9ee7d13a8b64f02e19b70c5d836"
    "41a3f8097e2cb5d66810f3927ac4be0d59e7263b8f14d0a1c836ef527b9d4a60"
)
_CURVES: dict[str, ec.EllipticCurve] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}
CURVE_NAMES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


def rsa_key(number: int = 0, *, size: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key; another number is another key."""
    return _rsa_key(number, size)


def roca_key() -> rsa.RSAPrivateKey:
    """A key of the flawed generator: its primes are k * M + 65537**a mod M (CVE-2017-15361)."""
    product = math.prod(ROCA_PRIMES)
    least = (5 * 2**1024 // 6 // product + 1) * product
    # The first primes of this form above 5/6 of 2**1024, for a = 1 and a = 2.
    p = least + 129 * product + pow(65537, 1, product)
    q = least + 49 * product + pow(65537, 2, product)
    d = pow(65537, -1, math.lcm(p - 1, q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    return rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public
    ).private_key()


def rough_number(bits: int) -> int:
    """A number of so many bits, half of them set, that has no factor below 4,096."""
    number = (1 << bits) // 3 | 1 << (bits - 1) | 1
    while any(number % factor == 0 for factor in range(3, 1 << 12, 2)):
        number += 2
    return number


def private_key(algorithm: str, number: int = 0) -> PrivateKey:
    """A key that fits this `alg`; all RSA algorithms share one, and both names of Ed25519."""
    if algorithm in RSA:
        return rsa_key(number)
    return _curve_key("EdDSA" if algorithm in EDDSA else algorithm, number)


@cache
def _rsa_key(_number: int, size: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, size)


@cache
def _curve_key(algorithm: str, _number: int) -> PrivateKey:
    if algorithm in ECDSA:
        return ec.generate_private_key(_CURVES[algorithm])
    return ed25519.Ed25519PrivateKey.generate()


def pem_of(key: PrivateKey) -> bytes:
    """PKCS #8 PEM of a private key."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem_of(key: PrivateKey) -> bytes:
    """SubjectPublicKeyInfo PEM of a key's public half."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def public_jwk_of(key: PrivateKey) -> dict[str, Any]:
    """The public JWK of a key, written from RFC 7518 §6 and RFC 8037 §2."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        point, size = public.public_numbers(), (public.key_size + 7) // 8
        curve = {256: "P-256", 384: "P-384", 521: "P-521"}[public.key_size]
        return {
            "kty": "EC",
            "crv": curve,
            "x": _number(point.x, size),
            "y": _number(point.y, size),
        }
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}


def private_jwk_of(key: PrivateKey) -> dict[str, Any]:
    """The private JWK of a key."""
    jwk = public_jwk_of(key)
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        names = {"d": "d", "p": "p", "q": "q", "dp": "dmp1", "dq": "dmq1", "qi": "iqmp"}
        return jwk | {name: _number(getattr(numbers, attr)) for name, attr in names.items()}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.key_size + 7) // 8
        return jwk | {"d": _number(key.private_numbers().private_value, size)}
    return jwk | {"d": b64(key.private_bytes_raw())}


def signing_key(algorithm: str, number: int = 0) -> SigningKey:
    """The gatepass key of `private_key`."""
    return _signing_key(algorithm, number)


@cache
def _signing_key(algorithm: str, number: int) -> SigningKey:
    return SigningKey.from_pem(pem_of(private_key(algorithm, number)), algorithm=algorithm)


def any_key(algorithm: str) -> SharedKey | SigningKey:
    """A gatepass key of any of the fourteen algorithms."""
    if algorithm in HMAC:
        return SharedKey.from_bytes(OCTETS, algorithm=algorithm)
    return signing_key(algorithm)


def raw_signer(algorithm: str) -> Sign:
    """How `any_key` signs, without gatepass."""
    if algorithm in HMAC:
        return hmac_signer(OCTETS, algorithm[2:])
    return signer(private_key(algorithm), algorithm)
