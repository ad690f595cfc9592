"""Base64url as RFC 7515 §2 has it: unpadded, one spelling per value, nothing else accepted."""

from binascii import b2a_base64

import msgspec

from gatepass.errors import TokenMalformed

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_STANDARD = bytearray(b"!" * 256)
for _octet in _ALPHABET:
    _STANDARD[_octet] = _octet
_STANDARD[ord("-")] = ord("+")
_STANDARD[ord("_")] = ord("/")
TO_STANDARD = bytes(_STANDARD)
TO_URL = bytes.maketrans(b"+/", b"-_")
END = (b'"', b'"', b'=="', b'="')
# The characters that may be last, by length modulo 4: their unused bits are zero.
LAST = (
    frozenset(_ALPHABET),
    frozenset[int](),
    frozenset(_ALPHABET[::16]),
    frozenset(_ALPHABET[::4]),
)

# As JSON text, because msgspec decodes three times as fast as binascii. Characters outside the
# alphabet, so also those that mean something in JSON, have become "!" before, which it rejects.
decode_json = msgspec.json.Decoder(bytes).decode


def encode(octets: bytes) -> bytes:
    """The base64url text of these octets, without padding."""
    return b2a_base64(octets).translate(TO_URL).rstrip(b"=\n")


def decode(segment: bytes) -> bytes:
    """The octets behind canonical base64url text; anything else is `TokenMalformed`."""
    rest = len(segment) & 3
    if rest and segment[-1] not in LAST[rest]:
        raise TokenMalformed
    try:
        return decode_json(b'"' + segment.translate(TO_STANDARD) + END[rest])
    except msgspec.MsgspecError:
        raise TokenMalformed from None


def is_canonical(segment: bytes) -> bool:
    """Whether `decode` would take this text."""
    try:
        decode(segment)
    except TokenMalformed:
        return False
    return True
