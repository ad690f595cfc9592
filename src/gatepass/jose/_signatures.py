"""Signing and verifying, prepared once per key; the only module that runs primitives.

A `Signer` takes the signing input and returns the signature's segment; a `Verifier` takes the
signing input and a presented segment and says whether it is the key's.
"""

import hashlib
from binascii import b2a_base64
from collections.abc import Callable
from hmac import compare_digest

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from gatepass.errors import TokenMalformed
from gatepass.jose._base64url import TO_URL, decode, encode, is_canonical
from gatepass.jose.algorithms import Algorithm

Signer = Callable[[bytes], bytes]
Verifier = Callable[[bytes, bytes], bool]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey

# The tag and length before an INTEGER, and before a SEQUENCE of two, by the length of what
# follows (X.690 §8.1); P-521 needs 138 octets at most.
_INTEGERS = tuple(bytes((0x02, size)) for size in range(68))
_SEQUENCES = tuple(
    bytes((0x30, size)) if size < 0x80 else bytes((0x30, 0x81, size))  # noqa: PLR2004 - long form
    for size in range(139)
)


def shared(algorithm: Algorithm, secret: bytes) -> tuple[Signer, Verifier]:
    """HMAC (RFC 2104) with the keyed inner and outer hash states computed ahead."""
    new = getattr(hashlib, algorithm.hash_name)
    key = block_key(algorithm, secret)
    copy_inner = new(bytes(octet ^ 0x36 for octet in key)).copy
    copy_outer = new(bytes(octet ^ 0x5C for octet in key)).copy

    def sign(signing_input: bytes) -> bytes:
        inner = copy_inner()
        inner.update(signing_input)
        outer = copy_outer()
        outer.update(inner.digest())
        return encode(outer.digest())

    def verify(signing_input: bytes, segment: bytes) -> bool:
        # `sign` and `encode`, written out: two calls less. Texts are compared, so that only the
        # canonical spelling of the right value matches.
        inner = copy_inner()
        inner.update(signing_input)
        outer = copy_outer()
        outer.update(inner.digest())
        wanted = b2a_base64(outer.digest()).translate(TO_URL).rstrip(b"=\n")
        if compare_digest(wanted, segment):
            return True
        if not is_canonical(segment):
            raise TokenMalformed
        return False

    return sign, verify


def block_key(algorithm: Algorithm, secret: bytes) -> bytes:
    """The key that HMAC uses: as long as the hash's block, whatever the secret (RFC 2104 §2)."""
    new = getattr(hashlib, algorithm.hash_name)
    size: int = new().block_size
    return (new(secret).digest() if len(secret) > size else secret).ljust(size, b"\0")


def signer(algorithm: Algorithm, key: PrivateKey) -> Signer:
    """How this private key signs."""
    if isinstance(key, rsa.RSAPrivateKey):
        padding, hash_ = algorithm.padding(), algorithm.hash()
        sign_rsa = key.sign
        return lambda signing_input: encode(sign_rsa(signing_input, padding, hash_))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _ecdsa_signer(algorithm, key)
    sign_eddsa = key.sign
    return lambda signing_input: encode(sign_eddsa(signing_input))


def verifier(algorithm: Algorithm, key: PublicKey) -> Verifier:
    """How a signature is checked with this public key."""
    if isinstance(key, rsa.RSAPublicKey):
        return _rsa_verifier(algorithm, key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _ecdsa_verifier(algorithm, key)
    return _eddsa_verifier(key)


def _rsa_verifier(algorithm: Algorithm, key: rsa.RSAPublicKey) -> Verifier:
    padding, prehashed = algorithm.padding(), Prehashed(algorithm.hash())
    verify_rsa, size = key.verify, (key.key_size + 7) // 8
    digest = getattr(hashlib, algorithm.hash_name)  # a microsecond less than to have it hashed

    def verify(signing_input: bytes, segment: bytes) -> bool:
        signature = decode(segment)
        if len(signature) != size:
            return False
        try:
            verify_rsa(signature, digest(signing_input).digest(), padding, prehashed)
        except InvalidSignature:
            return False
        return True

    return verify


def _ecdsa_signer(algorithm: Algorithm, key: ec.EllipticCurvePrivateKey) -> Signer:
    ecdsa, size, sign_ecdsa = ec.ECDSA(algorithm.hash()), algorithm.coordinate_size, key.sign

    def sign(signing_input: bytes) -> bytes:
        r, s = decode_dss_signature(sign_ecdsa(signing_input, ecdsa))
        return encode(r.to_bytes(size, "big") + s.to_bytes(size, "big"))

    return sign


def _ecdsa_verifier(algorithm: Algorithm, key: ec.EllipticCurvePublicKey) -> Verifier:
    ecdsa, size = ec.ECDSA(Prehashed(algorithm.hash())), algorithm.coordinate_size
    verify_ecdsa, digest = key.verify, getattr(hashlib, algorithm.hash_name)
    forms = _der_forms(size)

    def verify(signing_input: bytes, segment: bytes) -> bool:
        signature = decode(segment)
        if len(signature) != 2 * size:
            return False
        first, second = signature[0], signature[size]
        if first and second:
            head, middle = forms[first >> 7][second >> 7]
            der = head + signature[:size] + middle + signature[size:]
        else:
            der = _der_sequence(signature[:size], signature[size:])
        try:
            verify_ecdsa(der, digest(signing_input).digest(), ecdsa)
        except InvalidSignature:
            return False
        return True

    return verify


def _der_forms(size: int) -> list[list[tuple[bytes, ...]]]:
    """The octets before r and before s in DER, by whether the first bit of each is set.

    For values without leading zero octets, which are nearly all; an INTEGER whose first bit is
    set begins with a zero octet (X.690 §8.3). `cryptography`'s way through Python's numbers
    takes three times as long.
    """
    values = (b"\x7f" * size, b"\xff" * size)
    forms = []
    for r in values:
        encoded = [_der_sequence(r, s) for s in values]
        forms.append([tuple(each[:-size].split(r, 1)) for each in encoded])
    return forms


def _der_sequence(r: bytes, s: bytes) -> bytes:
    """A DER SEQUENCE of two INTEGERs (RFC 3279 §2.2.3)."""
    pair = _der_integer(r) + _der_integer(s)
    return _SEQUENCES[len(pair)] + pair


def _der_integer(octets: bytes) -> bytes:
    octets = octets.lstrip(b"\0")
    if not octets or octets[0] & 0x80:
        octets = b"\0" + octets
    return _INTEGERS[len(octets)] + octets


def _eddsa_verifier(key: Ed25519PublicKey) -> Verifier:
    verify_eddsa = key.verify

    def verify(signing_input: bytes, segment: bytes) -> bool:
        signature = decode(segment)
        try:
            verify_eddsa(signature, signing_input)
        except InvalidSignature:
            return False
        return True

    return verify
