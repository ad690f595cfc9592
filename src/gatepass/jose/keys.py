"""Keys: each is exactly one algorithm, checked when it is made, silent about its material."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from types import EllipsisType
from typing import Any, ClassVar, Self

from gatepass.errors import KeyRejected
from gatepass.jose import _derive, _jwk, _pem, _signatures, _weakness
from gatepass.jose.algorithms import Algorithm, find_algorithm


class _AnyKey:
    """The base of all keys; `verify` takes the signing input and a presented segment."""

    __slots__ = ("_algorithm", "_identities", "_kid", "alone", "headers", "verify")
    can_sign: ClassVar[bool] = False
    is_shared: ClassVar[bool] = False
    verify: _signatures.Verifier
    alone: Any
    """The `KeySet` of this key only, made at its first use without a set; kept by `keyset`."""
    headers: dict[tuple[str | None, str | EllipsisType | None], bytes]
    """Header segments by (`typ`, `kid`) that this key signed under; kept by `jws`."""

    def __init__(self, algorithm: Algorithm, kid: str | None, *identities: bytes) -> None:
        self._algorithm = algorithm
        self._kid = _jwk.require_kid(kid)
        self._identities = identities
        self.alone = None
        self.headers = {}

    @property
    def algorithm(self) -> str:
        """The one value of `alg` that this key signs and accepts."""
        return self._algorithm.name

    @property
    def kid(self) -> str | None:
        """The key's name in headers and key sets."""
        return self._kid

    def is_same_key(self, other: "_AnyKey") -> bool:
        """Whether both hold the same material, whatever their names and algorithms."""
        return any(
            hmac.compare_digest(mine, theirs)
            for mine in self._identities
            for theirs in other._identities  # noqa: SLF001 - same class
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.algorithm} kid={self.kid!r}>"

    def __reduce__(self) -> str:
        raise TypeError(f"a {type(self).__name__} cannot be pickled or copied")


class SharedKey(_AnyKey):
    """An HMAC secret; it carries no `kid` unless you or its JWK name one."""

    __slots__ = ("_extracted", "sign")
    can_sign = True
    is_shared = True
    sign: _signatures.Signer

    def __init__(self, raw: bytes, algorithm: Algorithm, kid: str | None = None) -> None:
        if algorithm.kty != "oct":
            raise KeyRejected(f"{algorithm.name} does not take a shared secret")
        if len(raw) < algorithm.hash_size:
            size = algorithm.hash_size
            message = (
                f"{algorithm.name} needs a key of at least {size} bytes: make one with "
                f'SharedKey.generate("{algorithm.name}") or secrets.token_bytes({size})'
            )
            raise KeyRejected(message)
        super().__init__(algorithm, kid, *_shared_identities(algorithm, raw))
        self._extracted = _derive.extract(raw)
        self.sign, self.verify = _signatures.shared(algorithm, raw)

    def derive(self, purpose: bytes) -> bytes:
        """32 secret bytes for another purpose, from which nothing leads back (RFC 5869)."""
        return _derive.expand(self._extracted, purpose)

    @classmethod
    def from_secret(cls, secret: str, *, algorithm: str = "HS256", kid: str | None = None) -> Self:
        """The key of a configured secret of at least 32 characters; tokens carry its `kid`.

        Raises:
            KeyRejected: The secret is short, guessable, published, or another kind of key.
        """
        if not isinstance(secret, str):
            hint = "is its variable set?" if secret is None else "SharedKey.from_bytes takes bytes"
            raise KeyRejected(f"a secret is text, and not {type(secret).__name__}: {hint}")
        _weakness.require_strong(secret)
        try:
            raw = secret.encode()
        except UnicodeEncodeError:
            raise KeyRejected("the secret has characters with no UTF-8 form") from None
        return cls(raw, find_algorithm(algorithm), kid)

    @classmethod
    def from_bytes(cls, raw: bytes, algorithm: str = "HS256", *, kid: str | None = None) -> Self:
        """The key of these random bytes, as long as the algorithm's hash at least.

        Raises:
            KeyRejected: The bytes are short, guessable, published, or another kind of key.
        """
        if not isinstance(raw, bytes):
            raise KeyRejected("key bytes are bytes: use SharedKey.from_secret for text")
        row = find_algorithm(algorithm)
        if len(raw) >= row.hash_size:  # else it is told that it is short, and how to make one
            _weakness.require_strong_octets(raw)
        return cls(raw, row, kid)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any], *, algorithm: str | None = None) -> Self:
        """The key of a JWK with `kty` `oct` (RFC 7518 §6.4), whose octets a program chose.

        A shared key both signs and verifies, so its `key_ops`, if given, allow both. Octets are
        rejected as by `from_bytes`, but for those that RFC 7515 and RFC 7520 print.
        """
        jwk = _jwk.members(jwk)
        row = _jwk.require_use(jwk, algorithm, "sign", "verify")
        raw = _jwk.shared_secret(jwk)
        _weakness.require_strong_octets(raw, allow_rfc_keys=True)
        return cls(raw, row, _jwk.find_kid(jwk))

    @classmethod
    def generate(cls, algorithm: str = "HS256") -> Self:
        """A new random key as long as the algorithm's hash."""
        row = find_algorithm(algorithm)
        return cls(secrets.token_bytes(row.hash_size), row)


class VerificationKey(_AnyKey):
    """A public key; it verifies and cannot sign. Its `kid` defaults to the thumbprint."""

    __slots__ = ("_key",)

    def __init__(
        self, key: _signatures.PublicKey, algorithm: Algorithm, kid: str | None = None
    ) -> None:
        _pem.require_fit(key, algorithm)
        thumbprint = _jwk.thumbprint(_jwk.public_members(key))
        super().__init__(algorithm, thumbprint if kid is None else kid, thumbprint.encode())
        self._key = key
        self.verify = _signatures.verifier(algorithm, key)

    def sign(self, signing_input: bytes) -> bytes:
        """Nothing: a public key cannot sign."""
        del signing_input
        raise KeyRejected("the primary key cannot sign: it is a public key")

    @property
    def thumbprint(self) -> str:
        """The RFC 7638 thumbprint under SHA-256, in base64url."""
        return self._identities[0].decode()

    @classmethod
    def from_pem(
        cls, pem: str | bytes, *, algorithm: str | None = None, kid: str | None = None
    ) -> Self:
        """The public key in a PEM text (SubjectPublicKeyInfo); RSA needs `algorithm`."""
        key = _pem.load_public(pem)
        return cls(key, _pem.choose(key, algorithm), kid)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any], *, algorithm: str | None = None) -> Self:
        """The key of a public JWK (RFC 7517 §4); one with private members is rejected."""
        jwk = _jwk.members(jwk)
        row = _jwk.require_use(jwk, algorithm, "verify")
        return cls(_jwk.public_key(jwk), row, _jwk.find_kid(jwk))

    def to_jwk(self) -> dict[str, str]:
        """The public JWK: key members, `use`, `alg` and `kid`."""
        return _jwk.public_members(self._key) | {
            "use": "sig",
            "alg": self.algorithm,
            "kid": self.kid or self.thumbprint,
        }

    def to_pem(self) -> str:
        """The public key as PEM text (SubjectPublicKeyInfo)."""
        return _pem.dump_public(self._key)


class SigningKey(_AnyKey):
    """A private key; it signs, and verifies what it signed."""

    __slots__ = ("_key", "_public", "sign")
    can_sign = True
    sign: _signatures.Signer

    def __init__(
        self, key: _signatures.PrivateKey, algorithm: Algorithm, kid: str | None = None
    ) -> None:
        self._public = VerificationKey(key.public_key(), algorithm, kid)
        super().__init__(algorithm, self._public.kid, self._public.thumbprint.encode())
        self._key = key
        self.sign = _signatures.signer(algorithm, key)
        self.verify = self._public.verify

    @classmethod
    def generate(cls, algorithm: str) -> Self:
        """A new key: RSA of 3072 bits, or on the algorithm's curve."""
        row = find_algorithm(algorithm)
        return cls(_pem.generate(row), row)

    @classmethod
    def from_pem(
        cls,
        pem: str | bytes,
        *,
        algorithm: str | None = None,
        password: bytes | None = None,
        kid: str | None = None,
    ) -> Self:
        """The private key in a PEM text; RSA needs `algorithm`, e.g. "RS256"."""
        key = _pem.load_private(pem, password)
        return cls(key, _pem.choose(key, algorithm), kid)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any], *, algorithm: str | None = None) -> Self:
        """The key of a private JWK (RFC 7518 §6)."""
        jwk = _jwk.members(jwk)
        row = _jwk.require_use(jwk, algorithm, "sign")
        return cls(_jwk.private_key(jwk), row, _jwk.find_kid(jwk))

    def derive(self, purpose: bytes) -> bytes:
        """32 secret bytes for another purpose, from which nothing leads back (RFC 5869)."""
        return _derive.expand(_derive.extract(self.to_pem().encode()), purpose)

    def public(self) -> VerificationKey:
        """The key that verifies what this one signs."""
        return self._public

    def to_pem(self, *, password: bytes | None = None) -> str:
        """The PRIVATE key as PEM text (PKCS #8), encrypted when a password is given."""
        return _pem.dump_private(self._key, password)


Key = SharedKey | SigningKey | VerificationKey


def _shared_identities(algorithm: Algorithm, raw: bytes) -> tuple[bytes, bytes]:
    """Hashes of the secret as given and as HMAC uses it: hashed when long, filled with zeros.

    Two secrets that make one HMAC key are one key (RFC 2104 §2). The given form tells that a
    long secret is in use under two algorithms, which hash it differently.
    """
    block_key = _signatures.block_key(algorithm, raw)
    first, second = (hashlib.sha256(b"shared\0" + each.rstrip(b"\0")) for each in (raw, block_key))
    return first.digest(), second.digest()
