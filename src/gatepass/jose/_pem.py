"""Key objects of `cryptography`: PEM in and out, generation, and which algorithm they fit."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gatepass.errors import KeyRejected
from gatepass.jose._pem_causes import no_private_key, no_public_key
from gatepass.jose._signatures import PrivateKey, PublicKey
from gatepass.jose._soundness import require_sound_ed25519, require_sound_rsa
from gatepass.jose.algorithms import BY_CURVE, CURVES, Algorithm, find_algorithm

NEW_RSA_BITS = 3072
_MAX_PEM_SIZE = 64 * 1024
_UNKNOWN = "the PEM holds a kind of key that no algorithm here uses"
_LOAD_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm)


def load_public(pem: str | bytes) -> PublicKey:
    """The public key in a PEM text; `KeyRejected` when there is none that we use."""
    try:
        key = serialization.load_pem_public_key(_octets(pem))
    except _LOAD_ERRORS:
        raise KeyRejected(no_public_key(_octets(pem))) from None
    _require_known_curve(key)
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, Ed25519PublicKey)):
        raise KeyRejected(_UNKNOWN)
    return key


def load_private(pem: str | bytes, password: bytes | None) -> PrivateKey:
    """The private key in a PEM text; `KeyRejected` when there is none that we use."""
    _require_password(password)
    try:
        key = serialization.load_pem_private_key(_octets(pem), password)
    except _LOAD_ERRORS:
        has_password = password is not None
        raise KeyRejected(no_private_key(_octets(pem), has_password=has_password)) from None
    _require_known_curve(key)
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, Ed25519PrivateKey)):
        raise KeyRejected(_UNKNOWN)
    return key


def dump_public(key: PublicKey) -> str:
    """SubjectPublicKeyInfo in PEM form."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def dump_private(key: PrivateKey, password: bytes | None) -> str:
    """PKCS #8 in PEM form, encrypted when there is a password."""
    _require_password(password)
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
    if not curve:
        message = 'an RSA key needs algorithm=, e.g. "RS256"'
        raise KeyRejected(message)
    return BY_CURVE[curve]


def require_fit(key: PublicKey, algorithm: Algorithm) -> None:
    """Reject a key that is not of the algorithm's kind, curve and strength (RFC 7518 §3)."""
    if isinstance(key, rsa.RSAPublicKey):
        if algorithm.kty != "RSA":
            message = f"{algorithm.name} does not take an RSA key"
            raise KeyRejected(message)
        numbers = key.public_numbers()
        require_sound_rsa(numbers.n, numbers.e)
    elif _curve(key) != algorithm.curve:
        message = f"{algorithm.name} does not take {_kind(key)}"
        raise KeyRejected(message)
    elif isinstance(key, Ed25519PublicKey):
        require_sound_ed25519(key.public_bytes_raw())


def _curve(key: PublicKey | PrivateKey) -> str:
    """The JWK name of a key's curve; empty for RSA."""
    if isinstance(key, (Ed25519PublicKey, Ed25519PrivateKey)):
        return "Ed25519"
    if isinstance(key, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)):
        names = [name for name, curve in CURVES.items() if curve.name == key.curve.name]
        return names[0]  # other curves were rejected when the key was loaded
    return ""


def _kind(key: PublicKey) -> str:
    curve = _curve(key)
    return f"a key on the curve {curve}" if curve else "an RSA key"


def _require_known_curve(key: object) -> None:
    if not isinstance(key, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)):
        return
    name = key.curve.name
    if name not in {curve.name for curve in CURVES.values()}:
        message = f"the key is on the curve {name}; the curves here are {', '.join(BY_CURVE)}"
        raise KeyRejected(message)


def _require_password(password: object) -> None:
    if password is None:
        return
    if not isinstance(password, bytes):
        given = type(password).__name__
        message = f"the password is bytes, and not {given}: write password.encode()"
        raise KeyRejected(message)
    if not password:
        message = "the password is empty: leave password out for a PEM without one"
        raise KeyRejected(message)


def _octets(pem: object) -> bytes:
    octets = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    if not isinstance(octets, bytes):
        message = f"a PEM is text or bytes, and not {type(octets).__name__}"
        raise KeyRejected(message)
    if len(octets) > _MAX_PEM_SIZE:
        message = "a PEM has at most 64 KiB"
        raise KeyRejected(message)
    return octets
