"""Secrets for other purposes out of a key (HKDF with SHA-256, RFC 5869)."""

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_SALT: Final = b"gatepass derived keys"
_SIZE: Final = 32


def extract(material: bytes) -> bytes:
    """The secret to derive from, made of a key (RFC 5869 §2.2); it signs nothing."""
    return hmac.digest(_SALT, material, hashlib.sha256)


def expand(extracted: bytes, purpose: bytes) -> bytes:
    """32 bytes for one purpose (RFC 5869 §2.3)."""
    return HKDFExpand(SHA256(), _SIZE, purpose).derive(extracted)
