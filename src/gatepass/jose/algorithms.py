"""The one table of signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2)."""

from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from gatepass.errors import KeyRejected

Family = Literal["HMAC", "RSA", "RSA-PSS", "ECDSA", "EdDSA"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """The meaning of an `alg`: the family, the kind of key, and the sizes that go with it."""

    name: str
    family: Family
    kty: Literal["oct", "RSA", "EC", "OKP"]
    hash_name: Literal["sha256", "sha384", "sha512"]
    hash_size: int
    """Octets of the hash; the least length of an HMAC key (RFC 7518 §3.2)."""
    curve: str | None = None
    coordinate_size: int = 0
    """Octets of r, of s, and of each coordinate (RFC 7518 §3.4)."""

    def hash(self) -> hashes.HashAlgorithm:
        """The hash as `cryptography` wants it."""
        return _HASHES[self.hash_name]

    def padding(self) -> padding.AsymmetricPadding:
        """RSA's padding; the PSS salt is as long as the hash (RFC 7518 §3.5)."""
        if self.family == "RSA-PSS":
            return padding.PSS(padding.MGF1(self.hash()), self.hash_size)
        return padding.PKCS1v15()


_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}

_ALL = (
    Algorithm(name="HS256", family="HMAC", kty="oct", hash_name="sha256", hash_size=32),
    Algorithm(name="HS384", family="HMAC", kty="oct", hash_name="sha384", hash_size=48),
    Algorithm(name="HS512", family="HMAC", kty="oct", hash_name="sha512", hash_size=64),
    Algorithm(name="RS256", family="RSA", kty="RSA", hash_name="sha256", hash_size=32),
    Algorithm(name="RS384", family="RSA", kty="RSA", hash_name="sha384", hash_size=48),
    Algorithm(name="RS512", family="RSA", kty="RSA", hash_name="sha512", hash_size=64),
    Algorithm(name="PS256", family="RSA-PSS", kty="RSA", hash_name="sha256", hash_size=32),
    Algorithm(name="PS384", family="RSA-PSS", kty="RSA", hash_name="sha384", hash_size=48),
    Algorithm(name="PS512", family="RSA-PSS", kty="RSA", hash_name="sha512", hash_size=64),
    Algorithm(
        name="ES256",
        family="ECDSA",
        kty="EC",
        hash_name="sha256",
        hash_size=32,
        curve="P-256",
        coordinate_size=32,
    ),
    Algorithm(
        name="ES384",
        family="ECDSA",
        kty="EC",
        hash_name="sha384",
        hash_size=48,
        curve="P-384",
        coordinate_size=48,
    ),
    Algorithm(
        name="ES512",
        family="ECDSA",
        kty="EC",
        hash_name="sha512",
        hash_size=64,
        curve="P-521",
        coordinate_size=66,
    ),
    Algorithm(
        name="EdDSA",
        family="EdDSA",
        kty="OKP",
        hash_name="sha512",
        hash_size=64,
        curve="Ed25519",
        coordinate_size=32,
    ),
    Algorithm(
        name="Ed25519",
        family="EdDSA",
        kty="OKP",
        hash_name="sha512",
        hash_size=64,
        curve="Ed25519",
        coordinate_size=32,
    ),
)

ALGORITHMS: dict[str, Algorithm] = {algorithm.name: algorithm for algorithm in _ALL}

# The algorithm of a key that names none, where the curve leaves no choice.
BY_CURVE: dict[str, Algorithm] = {
    "P-256": ALGORITHMS["ES256"],
    "P-384": ALGORITHMS["ES384"],
    "P-521": ALGORITHMS["ES512"],
    "Ed25519": ALGORITHMS["EdDSA"],
}


def find_algorithm(name: object) -> Algorithm:
    """The row of this name; `KeyRejected` when there is none."""
    algorithm = ALGORITHMS.get(name) if isinstance(name, str) else None
    if algorithm is None:
        message = "the algorithm is not one of " + ", ".join(ALGORITHMS)
        raise KeyRejected(message)
    return algorithm
