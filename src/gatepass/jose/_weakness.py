"""Secrets that must not become keys: guessable ones, and keys of another kind (pure).

A public key taken for an HMAC secret lets everybody forge (RFC 8725 §2.1), so key material is
refused in every form in which people paste it.
"""

import binascii
import json
import math
import re
from collections import Counter
from itertools import pairwise

from gatepass.errors import KeyRejected

MIN_SECRET_LENGTH = 32
_MIN_ENTROPY_BITS = 80
_MIN_REMAINDER = 12
_MAX_REPEATED = 0.85
_MAX_ADJACENT = 0.6

# Secrets printed in specifications and documentation.
_PUBLISHED = (
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
)
# What is left of a secret after these is what somebody has to guess.
_WORDS = tuple(
    "access administrator admin application auth backend bearer between bits changeme change "
    "character chars check correct database default demo development django dummy enough example "
    "fastapi flask fixme foobar from generate gatepass hardcoded here hs256 hs384 hs512 hmac horse "
    "battery staple insecure insert json least letmein local long make minimum must never node not "
    "passphrase password passwd phrase placeholder please private production prod public random "
    "refresh replace required safe sample secret secure server service session sha256 should "
    "signature signing sign some staging string strong super temporary test that this todo "
    "token update user value very web welcome with your 256 384 512 128 bit key jwt app api dev "
    "the and for use set put".split()
)
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)
_ADJACENT = frozenset(pair for run in _RUNS for a, b in pairwise(run) for pair in (a + b, b + a))
_KEY_TEXT = re.compile(
    r"-----\s*BEGIN|----\s*BEGIN SSH2|PuTTY-User-Key-File|(?:^|\W)(?:ssh-(?:rsa|dss|ed25519|ed448)"
    r"|ecdsa-sha2-\w+|sk-(?:ssh|ecdsa)-[\w@.-]+)\s|[\"']kty\\*[\"']",
    re.IGNORECASE,
)
_KEY_WIRE = re.compile(rb"^\0\0\0.(?:ssh-|ecdsa-sha2-|sk-)|^openssh-key-v1\0", re.DOTALL)
_BEFORE = re.compile(rb"^(?:\xef\xbb\xbf|[\s\"'])+")
_AFTER = b" \t\r\n\v\f\"'"
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){16,}")


def require_strong(secret: str) -> None:
    """Refuse a secret that is short, guessable, published, or a key of another kind."""
    if len(secret) < MIN_SECRET_LENGTH:
        message = f"the secret is shorter than {MIN_SECRET_LENGTH} characters"
        raise KeyRejected(message)
    require_no_key_material(secret.encode("utf-8", "surrogatepass"))
    if not secret.isascii():
        # A binary key file that was read as text: each character may stand for one octet.
        require_no_key_material(secret.encode("latin-1", "replace"))
    folded = secret.strip().casefold()
    if any(known.casefold() in folded for known in _PUBLISHED):
        message = "the secret is a published example"
        raise KeyRejected(message)
    if _is_patterned(folded) or _has_few_symbols(secret) or _is_made_of_words(folded):
        message = "the secret is guessable: make one with `gatepass secret`"
        raise KeyRejected(message)


def require_no_key_material(octets: bytes) -> None:
    """Refuse PEM, DER, SSH, JWK and JWKS, also with blanks, a BOM, base64 or hex around."""
    layer: bytes | None = octets
    while layer is not None:  # each layer is shorter than the one around it
        if _is_key_material(layer):
            message = "the secret is key material of another kind"
            raise KeyRejected(message)
        layer = _unwrap(layer)


def _is_patterned(text: str) -> bool:
    """Whether it mostly repeats itself, or mostly walks along a row of characters."""
    adjacent = sum(a == b or a + b in _ADJACENT for a, b in pairwise(text))
    if adjacent >= _MAX_ADJACENT * (len(text) - 1):
        return True
    return any(
        sum(a == b for a, b in zip(text, text[period:], strict=False))
        >= _MAX_REPEATED * (len(text) - period)
        for period in range(1, min(len(text) // 2, 256) + 1)
    )


def _has_few_symbols(text: str) -> bool:
    counts = Counter(text).values()
    entropy = -sum(count * math.log2(count / len(text)) for count in counts)
    return entropy < _MIN_ENTROPY_BITS


def _is_made_of_words(folded: str) -> bool:
    if folded.startswith("django-insecure-"):
        return True
    rest = re.sub(r"[\W_]+", "", folded)
    for word in _WORDS:
        rest = rest.replace(word, "")
    return len(rest) < _MIN_REMAINDER


def _is_key_material(octets: bytes) -> bool:
    bare = _BEFORE.sub(b"", octets)
    if _is_der(bare) or _KEY_WIRE.search(bare):
        return True
    text = _text(octets)
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
    if len(octets) < MIN_SECRET_LENGTH or octets[0] != 0x30:  # noqa: PLR2004 - the tag SEQUENCE
        return False
    size = octets[1]
    if size & 0x80:
        header_size += size & 0x7F
        size = int.from_bytes(octets[2:header_size], "big")
    end = header_size + size
    return header_size < end <= len(octets) and (
        octets[header_size] in b"\x02\x30" and not octets[end:].strip(_AFTER)
    )


def _text(octets: bytes) -> str:
    """The text in these octets, in UTF-8 or plain UTF-16, without BOM and blanks around."""
    text = octets.replace(b"\0", b"").decode("utf-8", "replace")
    return text.strip("\ufffd\ufeff\u200b\u2060 \t\r\n\v\f\x85\xa0\"'`")


def _unwrap(octets: bytes) -> bytes | None:
    """What base64 or hex text stands for, or `None`."""
    joined = re.sub(r"(?:\s|\\[rn])+", "", _text(octets))
    if _HEX.fullmatch(joined):
        return bytes.fromhex(joined)
    if not _BASE64.fullmatch(joined):
        return None
    body = joined.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return None
