"""JWS in compact serialization (RFC 7515): sign, verify, and look without trust."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import EllipsisType, MappingProxyType
from typing import Any, Final

from msgspec import MsgspecError

from gatepass.errors import ClaimsRejected, TokenInvalid, TokenMalformed
from gatepass.jose import _base64url, _strict_json
from gatepass.jose._base64url import END, LAST, TO_STANDARD, decode_json
from gatepass.jose._malformed import NO_JSON, malformed
from gatepass.jose.keys import Key
from gatepass.jose.keyset import KeySet, KeySource, KeysWanted, key_source, require_kind

MAX_SIZE: Final = 8192
"""Characters of a token at most, unless `max_size` says otherwise."""

_MAX_PREPARED = 64
_SEGMENTS = 3
_FORGED: Final = "the token is invalid: no key that is accepted here signed it"
_UNKNOWN: Final = "the token is invalid: no key that is accepted here has its alg and kid"
_REFUSED = ("crit", "b64", "zip")
_decode = _base64url.decode
_encode = str.encode


@dataclass(frozen=True, slots=True)
class VerifiedJws:
    """A token whose signature holds; its claims, if it has any, are not validated yet."""

    header: Mapping[str, Any]
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UntrustedJws:
    """A token's header and payload. Nothing in it was checked: never decide anything by it."""

    header: Mapping[str, Any]
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def claims(self) -> Mapping[str, Any]:
        """The payload as a JSON object; `TokenMalformed` where it is none."""
        try:
            return _strict_json.decode_claims(self.payload)
        except TokenMalformed:
            raise TokenMalformed(NO_JSON) from None


@dataclass(frozen=True, slots=True)
class PreparedHeader:
    """A protected header that was checked once, and the keys that may have signed under it."""

    header: Mapping[str, Any]
    typ: str | None
    """Lower case and without `application/`, as RFC 7515 §4.1.9 compares types."""
    keys: tuple[Key, ...]


def sign(
    payload: bytes | Mapping[str, Any],
    keys: Key | KeySet | KeySource,
    *,
    typ: str | None = "JWT",
    kid: str | EllipsisType | None = ...,
) -> str:
    """The compact serialization of a payload under the primary key.

    Args:
        payload: Any bytes, or claims that have a JSON form.
        keys: The key that signs; of a set its primary.
        typ: The header's `typ`; `None` leaves it out.
        kid: The header's `kid`: by default the key's own; `None` leaves it out.

    Raises:
        KeyRejected: The primary cannot sign.
        ClaimsRejected: The claims have no JSON form.
    """
    return sign_with(key_source(keys).current().primary, payload, typ, kid)


def sign_with(
    key: Key,
    payload: bytes | Mapping[str, Any],
    typ: str | None,
    kid: str | EllipsisType | None = ...,
) -> str:
    """`sign` with this key."""
    header = _header_segment(key, typ, kid)
    if not isinstance(payload, bytes):
        payload = _strict_json.encode_claims(payload)
    signing_input = header + b"." + _base64url.encode(payload)
    return (signing_input + b"." + key.sign(signing_input)).decode("ascii")


def _header_segment(key: Key, typ: str | None, kid: str | EllipsisType | None) -> bytes:
    """The first segment, which stays the same for a key, a type and a name of the key."""
    try:
        known = key.headers.get((typ, kid))
    except TypeError:  # a value without a hash is no text
        known = None
    if known is not None:
        return known
    name = key.kid if isinstance(kid, EllipsisType) else kid
    header = {"alg": key.algorithm, "typ": typ, "kid": name}
    members = {name: value for name, value in header.items() if value is not None}
    if not all(isinstance(value, str) for value in members.values()):
        raise ClaimsRejected("typ and kid are text")
    segment = _base64url.encode(_strict_json.encode_claims(members))
    if len(key.headers) >= _MAX_PREPARED:
        key.headers.clear()
    key.headers[typ, kid] = segment
    return segment


def verify(
    compact: str, keys: Key | KeySet | KeySource, *, max_size: int = MAX_SIZE
) -> VerifiedJws:
    """The header and payload of a token whose signature is by one of these keys.

    Raises:
        TokenMalformed: The text is not a compact JWS in its one canonical spelling.
        TokenInvalid: No key accepts the signature, or the header has `crit`, `b64` or `zip`.
        KeysUnavailable: The issuer's keys cannot be fetched now.
    """
    source = key_source(keys)
    require_kind(source, is_async=False)
    try:
        try:
            prepared, payload, _ = open_compact(compact, source.current(), max_size)
        except KeysWanted as wanted:
            prepared, payload, _ = open_compact(compact, wanted.fetch(), max_size)
    except TokenMalformed:
        raise TokenMalformed(malformed(compact, max_size)) from None
    return VerifiedJws(prepared.header, payload)


def open_compact(compact: str, keys: KeySet, max_size: int) -> tuple[PreparedHeader, bytes, Key]:
    """`verify` for a verifier's hot path, with the key that signed."""
    try:
        if len(compact) > max_size:
            raise TokenMalformed
        octets = _encode(compact)  # what is not ASCII is no base64url in any segment
    except (TypeError, UnicodeEncodeError):
        raise TokenMalformed from None
    signing_input, _, signature = octets.rpartition(b".")
    head, dot, body = signing_input.partition(b".")
    if not dot:
        raise TokenMalformed
    rest = len(body) & 3
    if rest and body[-1] not in LAST[rest]:
        raise TokenMalformed
    try:  # `_base64url.decode`, written out: a call less
        payload: bytes = decode_json(b'"' + body.translate(TO_STANDARD) + END[rest])
    except MsgspecError:
        raise TokenMalformed from None
    prepared = keys.prepared.get(head)
    if prepared is not None:
        for key in prepared.keys:
            if key.verify(signing_input, signature):
                return prepared, payload, key
        raise TokenInvalid(_FORGED)
    prepared, key = _open_unprepared(head, signature, signing_input, keys)
    return prepared, payload, key


def inspect(compact: object, *, max_size: int = MAX_SIZE) -> UntrustedJws:
    """The header and payload of a token, WITHOUT trust: for debugging, never for decisions."""
    try:
        return _look(compact, max_size)
    except TokenMalformed:
        raise TokenMalformed(malformed(compact, max_size)) from None


def _look(compact: object, max_size: int) -> UntrustedJws:
    if not isinstance(compact, str) or len(compact) > max_size or not compact.isascii():
        raise TokenMalformed
    segments = compact.encode("ascii").split(b".", _SEGMENTS)
    if len(segments) != _SEGMENTS:
        raise TokenMalformed
    head, payload, signature = map(_decode, segments)
    return UntrustedJws(MappingProxyType(_strict_json.decode_header(head)), payload, signature)


def _open_unprepared(
    head: bytes, signature: bytes, signing_input: bytes, keys: KeySet
) -> tuple[PreparedHeader, Key]:
    """Verify under a header not seen before; it is remembered only if the signature holds.

    A forger can therefore not fill the memory with headers. Headers with lists or objects in
    them are not shared between callers, who could change them.
    """
    _decode(signature)
    prepared = _prepare(head, keys)
    signer = next((key for key in prepared.keys if key.verify(signing_input, signature)), None)
    if signer is None:
        raise TokenInvalid(_FORGED)
    if not any(isinstance(value, (list, dict)) for value in prepared.header.values()):
        if len(keys.prepared) >= _MAX_PREPARED:
            keys.prepared.clear()
        keys.prepared[head] = prepared
    return prepared, signer


def _prepare(head: bytes, keys: KeySet) -> PreparedHeader:
    header = _strict_json.decode_header(_decode(head))
    algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str):
        raise TokenMalformed
    if not all(isinstance(header.get(name, ""), str) for name in ("kid", "typ")):
        raise TokenMalformed
    if any(name in header for name in _REFUSED):
        raise TokenInvalid("the header asks for an extension that is refused")
    found = keys.candidates(algorithm, kid)
    if not found:
        left_out = f" (left out of the JWKS: {keys.left_out})" if keys.left_out else ""
        raise TokenInvalid(f"{_UNKNOWN}{left_out}")
    return PreparedHeader(MappingProxyType(header), normalize_typ(typ), found)


def normalize_typ(typ: str | None) -> str | None:
    """A type as RFC 7515 §4.1.9 compares it."""
    return None if typ is None else typ.lower().removeprefix("application/")
