"""The text of opaque access tokens and API keys. Pure.

1. The text is a prefix (`gp_at_` or `gp_key_`), the two partition digits of the subject, 256 random
   bits in base64url, and the CRC-32 of all before it in eight hex digits.
2. The checksum is no secret. It tells a typing error, and a text that a scanner found by its
   prefix, from a real token without asking the store.
3. A store keeps a hash of the text only. 256 random bits cannot be guessed, so the hash needs
   no salt and no stretching.
4. With a key the hash is an HMAC. Write access to the store is then not enough to make a token.
"""

import hashlib
import hmac
import re
from typing import Final
from zlib import crc32

from gatepass.jose._base64url import encode
from gatepass.sessions.session import partition_digits

ACCESS_PREFIX: Final = "gp_at_"
KEY_PREFIX: Final = "gp_key_"
RANDOM_BYTES: Final = 32

_FORM: Final = re.compile(r"gp_(?:at|key)_(?P<digits>[0-9a-f]{2})[A-Za-z0-9_-]{43}[0-9a-f]{8}")
_CHECK_LENGTH: Final = 8


def new_text(prefix: str, subject: str, random: bytes) -> str:
    """A new token of this subject out of `RANDOM_BYTES` random bytes."""
    text = f"{prefix}{partition_digits(subject)}{encode(random).decode()}"
    return text + _checksum(text)


def hash_id(prefix: str, text: str, key: bytes = b"") -> str | None:
    """The key under which a store keeps this text; `None`: the text is no token of this prefix.

    The hash is an HMAC-SHA-256 under this key, or SHA-256 without one.
    """
    form = _FORM.fullmatch(text)
    if form is None or not text.startswith(prefix):
        return None
    if text[-_CHECK_LENGTH:] != _checksum(text[:-_CHECK_LENGTH]):
        return None
    octets = text.encode()
    digest = hmac.digest(key, octets, "sha256") if key else hashlib.sha256(octets).digest()
    return form["digits"] + digest.hex()


def _checksum(text: str) -> str:
    return f"{crc32(text.encode()):08x}"
