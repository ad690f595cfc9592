"""Keys of another kind in every form in which people paste them as a secret (pure).

A public key taken for an HMAC secret lets everybody forge (RFC 8725 §2.1).
"""

import binascii
import json
import re
from collections.abc import Iterator

_MIN_DER_SIZE = 32
_KEY_TEXT = re.compile(
    r"-----\s*BEGIN|----\s*BEGIN SSH2|PuTTY-User-Key-File|(?:^|\W)(?:ssh-(?:rsa|dss|ed25519|ed448)"
    r"|ecdsa-sha2-\w+|sk-(?:ssh|ecdsa)-[\w@.-]+)\s|[\"']kty\\*[\"']",
    re.IGNORECASE,
)
_KEY_WIRE = re.compile(rb"^\0\0\0.(?:ssh-|ecdsa-sha2-|sk-)|^openssh-key-v1\0", re.DOTALL)
_BEFORE = re.compile(rb"^(?:\xef\xbb\xbf|[\s\"'])+")
_AFTER = b" \t\r\n\v\f\"'"
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?:0[xX])?((?:[0-9A-Fa-f]{2}){16,})")
_PREFIX = re.compile(r"^(?:base64|hex):", re.IGNORECASE)  # as frameworks mark them


def layers(octets: bytes) -> Iterator[bytes]:
    """The octets; if they are base64 or hex text, the octets inside it, and so on inwards."""
    layer: bytes | None = octets
    while layer is not None:  # each layer is shorter than the one around it
        yield layer
        layer = _unwrap(layer)


def text_of(octets: bytes) -> str:
    """The text in these octets, in UTF-8 or plain UTF-16, without BOM and blanks around."""
    text = octets.replace(b"\0", b"").decode("utf-8", "replace")
    return text.strip("\ufffd\ufeff\u200b\u2060 \t\r\n\v\f\x85\xa0\"'`")


def plain_text(octets: bytes) -> str | None:
    """The text that these octets are, if they are nothing but printable ASCII, in any width."""
    bare = octets.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").replace(b"\0", b"")
    text = text_of(bare)
    is_whole = bare.removeprefix(b"\xef\xbb\xbf").isascii() and text.isascii()
    return text if is_whole and re.sub(r"\s", "", text).isprintable() else None


def is_key_material(octets: bytes) -> bool:
    """Whether it is PEM, DER, SSH, JWK or JWKS; nothing is unwrapped."""
    bare = _BEFORE.sub(b"", octets)
    if _is_der(bare) or _KEY_WIRE.search(bare):
        return True
    text = text_of(octets)
    return (
        _KEY_TEXT.search(text) is not None
        or _KEY_TEXT.search(re.sub(r"\s+", "", text)) is not None
        or _is_jwk(text)
    )


def _is_jwk(text: str) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and ("kty" in value or "keys" in value)


def _is_der(octets: bytes) -> bool:
    """Whether it is one ASN.1 SEQUENCE that begins as keys and certificates do (X.690 §8)."""
    header_size = 2
    if len(octets) < _MIN_DER_SIZE or octets[0] != 0x30:  # noqa: PLR2004 - the tag SEQUENCE
        return False
    size = octets[1]
    if size & 0x80:
        header_size += size & 0x7F
        size = int.from_bytes(octets[2:header_size], "big")
    end = header_size + size
    return header_size < end <= len(octets) and (
        octets[header_size] in b"\x02\x30" and not octets[end:].strip(_AFTER)
    )


def _unwrap(octets: bytes) -> bytes | None:
    """The octets inside base64 or hex text, or `None`."""
    joined = _PREFIX.sub("", re.sub(r"(?:\s|\\[rn])+", "", text_of(octets)))
    if (digits := _HEX.fullmatch(joined)) is not None:
        return bytes.fromhex(digits[1])
    if not _BASE64.fullmatch(joined):
        return None
    body = joined.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return None
