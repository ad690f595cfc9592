"""What every application under test is made of: the same accounts, keys and policy."""

import os
from typing import Any

from gatepass import AccessClaims
from gatepass.http import HttpPolicy, Identity
from gatepass.settings import HttpSettings, TokenSettings

PASSWORDS = {"ada": "correct horse battery", "grace": "staple lantern violet"}
CLAIMS: dict[str, dict[str, Any]] = {
    "ada": {"username": "ada", "role": "admin", "scope": "reports:read reports:write"},
    "grace": {"username": "grace", "role": "user", "scope": "reports:read"},
}
READER = ("reports:read",)
WRITER = ("reports:read", "reports:write")
FRESH_S = 300


def settings() -> TokenSettings:
    """Keys, lifetimes and the database of this process's environment."""
    return TokenSettings.from_env(os.environ)


def policy() -> HttpPolicy:
    """Cookies, origins and https of this process's environment."""
    return HttpSettings.from_env(os.environ).policy


def authenticate(username: str, password: str) -> Identity | None:
    """Accounts as an application might keep them."""
    if PASSWORDS.get(username) != password:
        return None
    return Identity(f"user-{username}", CLAIMS[username])


def shown(claims: AccessClaims | None) -> bytes:
    """What the routes of all applications answer: whose token it was."""
    return b'{"subject":%s}' % (b"null" if claims is None else b'"%s"' % claims.subject.encode())
