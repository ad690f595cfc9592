"""Tokens as Flask-JWT-Extended and simplejwt write them, made by hand; and a service for them."""

from datetime import UTC, datetime
from types import EllipsisType
from typing import Any

from gatepass import LegacyTokens
from gatepass.jose import SharedKey
from tests.attacks.target import NOW
from tests.jose.forge import Json, Sign, compact, hmac_signer

SECRET = "mY7qV3xR9sKw2LzP8tBcN4fGdH6jUe1o"
UNTIL = NOW + 86_400
KEY = SharedKey.from_secret(SECRET)
SIGN = hmac_signer(SECRET)
HEADER: Json = {"alg": "HS256", "typ": "JWT"}
DENIED = "denied"


def is_denied(claims: Any) -> bool:
    """The denylist of the old library."""
    return bool(claims.get("jti") == DENIED)


def rules(**options: Any) -> LegacyTokens:
    """Tokens of Flask-JWT-Extended, for a day."""
    until = datetime.fromtimestamp(UNTIL, UTC)
    known: dict[str, Any] = {"keys": KEY, "kind": "flask-jwt-extended", "until": until}
    return LegacyTokens(**(known | {"is_denied": is_denied} | options))


def flask_claims(kind: str = "refresh", **changes: object) -> dict[str, Any]:
    """Claims of Flask-JWT-Extended 4; `...` leaves one out."""
    good: dict[str, object] = {
        "fresh": True,
        "iat": NOW - 60,
        "jti": "b7e7a4f8-0d64-4f0f-a1b4-1d2c0a4a0f11",
        "type": kind,
        "sub": "alice",
        "nbf": NOW - 60,
        "csrf": "6a8a3cd7-8b0e-4a55-9d58-1a3a9d0d0c55",
        "exp": NOW + 30 * 86_400,
        "role": "admin",
    }
    made = good | changes
    return {name: each for name, each in made.items() if not isinstance(each, EllipsisType)}


def legacy(
    kind: str = "refresh", *, header: Json = HEADER, sign: Sign = SIGN, **changes: Any
) -> str:
    """A token of Flask-JWT-Extended."""
    return compact(header, flask_claims(kind, **changes), sign)
