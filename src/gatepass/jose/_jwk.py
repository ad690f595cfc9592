"""JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2) and their thumbprints (RFC 7638)."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatepass.errors import KeyRejected, TokenMalformed
from gatepass.jose import _base64url
from gatepass.jose._signatures import PrivateKey, PublicKey
from gatepass.jose._soundness import MAX_RSA_BITS, MIN_RSA_BITS
from gatepass.jose.algorithms import BY_CURVE, CURVES, Algorithm, find_algorithm

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MAX_MEMBER = 4096
# Any number shows that exponents do not fit, long before a search for the primes gives up.
_WITNESS = 2
_MAX_KID = 256
_KINDS = {"RSA": "an RSA key", "oct": "a shared key"}
_NUMBER_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm, OverflowError)
_PARAMETERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


def members(jwk: object) -> dict[str, Any]:
    """The members of a JWK; one that is null counts as absent, as some issuers write them."""
    if not isinstance(jwk, Mapping):
        message = "a JWK is a JSON object"
        raise KeyRejected(message)
    return {name: value for name, value in jwk.items() if value is not None}


def require_use(
    jwk: Mapping[str, Any], algorithm: str | None, *operations: Literal["sign", "verify"]
) -> Algorithm:
    """The JWK's algorithm, once `use`, `key_ops` and `alg` allow this (RFC 7517 §4.2 to 4.4)."""
    if jwk.get("use", "sig") != "sig":
        message = "the JWK's use is not sig"
        raise KeyRejected(message)
    allowed = jwk.get("key_ops", operations)
    if not isinstance(allowed, (list, tuple)) or any(name not in allowed for name in operations):
        message = f"the JWK's key_ops do not allow to {' and '.join(operations)}"
        raise KeyRejected(message)
    row = _algorithm(jwk, algorithm)
    if row.kty != jwk.get("kty") or row.curve != jwk.get("crv"):
        message = f"the JWK does not fit {row.name}"
        raise KeyRejected(message)
    return row


def find_kid(jwk: Mapping[str, Any]) -> str | None:
    """The JWK's name, where it has one."""
    return require_kid(jwk.get("kid"))


def require_kid(kid: object) -> str | None:
    """The name of a key, if it has one that a token's header can hold."""
    if kid is None:
        return None
    if not isinstance(kid, str):
        message = f"a kid is a text, and not {type(kid).__name__}"
        raise KeyRejected(message)
    if not 0 < len(kid) <= _MAX_KID:
        message = f"a kid has 1 to {_MAX_KID} characters, and not {len(kid)}"
        raise KeyRejected(message)
    try:
        kid.encode()
    except UnicodeEncodeError:
        message = "the kid has characters with no UTF-8 form"
        raise KeyRejected(message) from None
    return kid


def shared_secret(jwk: Mapping[str, Any]) -> bytes:
    """The octets of `k` (RFC 7518 §6.4.1)."""
    return _member(jwk, "k")


def public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """The public key of these members; private ones among them are rejected."""
    if not _PRIVATE.isdisjoint(jwk):
        message = "the JWK holds private members where a public key is expected"
        raise KeyRejected(message)
    return _public_key(jwk)


def private_key(jwk: Mapping[str, Any]) -> PrivateKey:
    """The private key of these members, which must belong together."""
    public = _public_key(jwk)
    try:
        private = _private_key(jwk, public)
    except _NUMBER_ERRORS:
        message = "the JWK's private members are wrong"
        raise KeyRejected(message) from None
    if public_members(private.public_key()) != public_members(public):
        message = "the JWK's private members are of another key"
        raise KeyRejected(message)
    return private


def public_members(key: PublicKey) -> dict[str, str]:
    """The members that make the key, in the order of a thumbprint (RFC 7638 §3.2)."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"e": _uint(numbers.e), "kty": "RSA", "n": _uint(numbers.n)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        crv = next(name for name, curve in CURVES.items() if curve.name == key.curve.name)
        size = BY_CURVE[crv].coordinate_size
        return {
            "crv": crv,
            "kty": "EC",
            "x": _text(point.x.to_bytes(size, "big")),
            "y": _text(point.y.to_bytes(size, "big")),
        }
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": _text(raw)}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint under SHA-256, in base64url."""
    members = {name: jwk[name] for name in _PARAMETERS[jwk["kty"]]}
    return _text(hashlib.sha256(msgspec.json.encode(members)).digest())


def _algorithm(jwk: Mapping[str, Any], default: str | None) -> Algorithm:
    named = jwk.get("alg")
    if named is not None:
        return find_algorithm(named)
    crv = jwk.get("crv")
    by_curve = BY_CURVE.get(crv) if isinstance(crv, str) else None
    if default is not None:
        row = find_algorithm(default)
        if by_curve is None or row.kty == by_curve.kty:
            return row
    if by_curve is None:
        kind = _KINDS.get(str(jwk.get("kty")))
        message = (
            "a key of a kind or curve that no algorithm here uses"
            if kind is None
            else f"{kind} that names no algorithm: pass algorithm="
        )
        raise KeyRejected(message)
    return by_curve


def _public_key(jwk: Mapping[str, Any]) -> PublicKey:
    try:
        match jwk.get("kty"):
            case "RSA":
                e, n = _number(jwk, "e"), _number(jwk, "n")
                return rsa.RSAPublicNumbers(e, n).public_key()
            case "EC":
                return _ec_key(jwk)
            case _:
                return Ed25519PublicKey.from_public_bytes(_member(jwk, "x"))
    except _NUMBER_ERRORS:
        message = "the JWK's members are not a key"
        raise KeyRejected(message) from None


def _ec_key(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    crv = cast("str", jwk["crv"])  # require_use has compared it with the table
    size = BY_CURVE[crv].coordinate_size
    x, y = _sized(jwk, "x", size), _sized(jwk, "y", size)
    return ec.EllipticCurvePublicNumbers(x, y, CURVES[crv]).public_key()


def _private_key(jwk: Mapping[str, Any], public: PublicKey) -> PrivateKey:
    if isinstance(public, rsa.RSAPublicKey):
        return _rsa_private_key(jwk, public)
    if isinstance(public, ec.EllipticCurvePublicKey):
        size = BY_CURVE[cast("str", jwk["crv"])].coordinate_size
        return ec.derive_private_key(_sized(jwk, "d", size), public.curve)
    return Ed25519PrivateKey.from_private_bytes(_member(jwk, "d"))


def _rsa_private_key(jwk: Mapping[str, Any], public: rsa.RSAPublicKey) -> rsa.RSAPrivateKey:
    numbers = public.public_numbers()
    d = _number(jwk, "d")
    if "oth" in jwk or not MIN_RSA_BITS <= public.key_size <= MAX_RSA_BITS or d >= numbers.n:
        message = "RSA keys have two primes and 2048 to 8192 bits here"
        raise KeyRejected(message)
    if "p" in jwk:
        p, q = _number(jwk, "p"), _number(jwk, "q")
        dp, dq, qi = _number(jwk, "dp"), _number(jwk, "dq"), _number(jwk, "qi")
    elif pow(_WITNESS, numbers.e * d, numbers.n) != _WITNESS:
        message = "the RSA exponents do not belong together"
        raise KeyRejected(message)
    else:  # RFC 7518 §6.3.2 lets a producer leave all of these out
        p, q = rsa.rsa_recover_prime_factors(numbers.n, numbers.e, d)
        dp, dq, qi = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, numbers).private_key()


def _member(jwk: Mapping[str, Any], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str) or not value or len(value) > _MAX_MEMBER:
        message = f"the JWK has no usable member {name}"
        raise KeyRejected(message)
    try:
        return _base64url.decode(value.encode("ascii"))
    except (UnicodeEncodeError, TokenMalformed):
        message = f"the JWK's member {name} is not canonical base64url"
        raise KeyRejected(message) from None


def _number(jwk: Mapping[str, Any], name: str) -> int:
    """A Base64urlUInt: as few octets as can hold it (RFC 7518 §2)."""
    octets = _member(jwk, name)
    if octets[0] == 0:
        message = f"the JWK's member {name} has leading zeros"
        raise KeyRejected(message)
    return int.from_bytes(octets, "big")


def _sized(jwk: Mapping[str, Any], name: str, size: int) -> int:
    """A coordinate or private value of exactly the curve's size (RFC 7518 §6.2)."""
    octets = _member(jwk, name)
    if len(octets) != size:
        message = f"the JWK's member {name} has not the curve's size"
        raise KeyRejected(message)
    return int.from_bytes(octets, "big")


def _uint(number: int) -> str:
    return _text(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _text(octets: bytes) -> str:
    return _base64url.encode(octets).decode()
