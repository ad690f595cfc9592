"""Passwords: argon2id hashes, rules for new ones, and a few threads to check them in."""

from gatepass._extras import needs_extra
from gatepass.errors import HashRejected, PasswordRejected

with needs_extra("passwords"):
    from gatepass.passwords.common import COMMON_PASSWORDS
    from gatepass.passwords.hashing import Passwords, require_hash
    from gatepass.passwords.pool import PasswordPool
    from gatepass.passwords.rules import MAX_PASSWORD, MIN_PASSWORD

__all__ = [
    "COMMON_PASSWORDS",
    "MAX_PASSWORD",
    "MIN_PASSWORD",
    "HashRejected",
    "PasswordPool",
    "PasswordRejected",
    "Passwords",
    "require_hash",
]
