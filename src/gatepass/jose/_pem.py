"""Key objects of `cryptography`: PEM in and out, generation, and which algorithm they fit."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gatepass.errors import KeyRejected
from gatepass.jose._signatures import PrivateKey, PublicKey
from gatepass.jose.algorithms import BY_CURVE, CURVES, Algorithm, find_algorithm

MIN_RSA_BITS, MAX_RSA_BITS, NEW_RSA_BITS = 2048, 8192, 3072
_MAX_PEM_SIZE = 64 * 1024
_LOAD_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm)

# Keys of the flawed generator have, modulo each of these primes, a power of 65537 (ROCA,
# CVE-2017-15361); a sound key passes for one with probability below 2**-27.
_ROCA_PRIMES = (*(11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157),)


def load_public(pem: str | bytes) -> PublicKey:
    """The public key in a PEM text; `KeyRejected` when there is none that we use."""
    try:
        key = serialization.load_pem_public_key(_octets(pem))
    except _LOAD_ERRORS:
        message = "the text is not a public key in PEM form"
        raise KeyRejected(message) from None
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, Ed25519PublicKey)):
        message = "the PEM holds a kind of key that no algorithm here uses"
        raise KeyRejected(message)
    return key


def load_private(pem: str | bytes, password: bytes | None) -> PrivateKey:
    """The private key in a PEM text; `KeyRejected` when there is none that we use."""
    try:
        key = serialization.load_pem_private_key(_octets(pem), password)
    except _LOAD_ERRORS:
        message = "the text is not a private key in PEM form, or the password is wrong"
        raise KeyRejected(message) from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, Ed25519PrivateKey)):
        message = "the PEM holds a kind of key that no algorithm here uses"
        raise KeyRejected(message)
    return key


def dump_public(key: PublicKey) -> str:
    """SubjectPublicKeyInfo in PEM form."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def dump_private(key: PrivateKey, password: bytes | None) -> str:
    """PKCS #8 in PEM form, encrypted when there is a password."""
    encryption = (
        serialization.NoEncryption()
        if password is None
        else serialization.BestAvailableEncryption(password)
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def generate(algorithm: Algorithm) -> PrivateKey:
    """A new private key of the algorithm's kind."""
    if algorithm.kty == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=NEW_RSA_BITS)
    if algorithm.kty == "EC":
        return ec.generate_private_key(CURVES[algorithm.curve or ""])
    if algorithm.kty == "OKP":
        return Ed25519PrivateKey.generate()
    message = f"{algorithm.name} takes a shared secret: use SharedKey.generate"
    raise KeyRejected(message)


def choose(key: PublicKey | PrivateKey, name: str | None) -> Algorithm:
    """The named algorithm, or the only one of the key's curve."""
    if name is not None:
        return find_algorithm(name)
    curve = _curve(key)
    if curve not in BY_CURVE:
        message = 'an RSA key needs algorithm=, e.g. "RS256"'
        raise KeyRejected(message)
    return BY_CURVE[curve]


def require_fit(key: PublicKey, algorithm: Algorithm) -> None:
    """Refuse a key that is not of the algorithm's kind, curve and strength (RFC 7518 §3)."""
    if isinstance(key, rsa.RSAPublicKey):
        if algorithm.kty != "RSA":
            message = f"{algorithm.name} does not take an RSA key"
            raise KeyRejected(message)
        _require_sound_rsa(key)
    elif _curve(key) != algorithm.curve:
        message = f"{algorithm.name} does not take a key of this curve"
        raise KeyRejected(message)


def _require_sound_rsa(key: rsa.RSAPublicKey) -> None:
    modulus, exponent = key.public_numbers().n, key.public_numbers().e
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS or exponent <= 1 or exponent % 2 == 0:
        message = (
            f"RSA keys have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits and an odd exponent above 1 here"
        )
        raise KeyRejected(message)
    if all(_is_power_of_65537(modulus % prime, prime) for prime in _ROCA_PRIMES):
        message = "the RSA key comes from a generator with a known flaw (CVE-2017-15361)"
        raise KeyRejected(message)


def _is_power_of_65537(residue: int, prime: int) -> bool:
    power = 1
    for _ in range(prime):
        if power == residue:
            return True
        power = power * 65537 % prime
    return False


def _curve(key: PublicKey | PrivateKey) -> str:
    """The JWK name of a key's curve; empty for RSA and for curves that no algorithm uses."""
    if isinstance(key, (Ed25519PublicKey, Ed25519PrivateKey)):
        return "Ed25519"
    if isinstance(key, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)):
        names = [name for name, curve in CURVES.items() if curve.name == key.curve.name]
        return names[0] if names else "unsupported"
    return ""


def _octets(pem: object) -> bytes:
    octets = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    if not isinstance(octets, bytes) or len(octets) > _MAX_PEM_SIZE:
        message = "a PEM is text of at most 64 KiB"
        raise KeyRejected(message)
    return octets
