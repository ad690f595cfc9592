"""Tokens of Flask-JWT-Extended and simplejwt on the clock of the managers' tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gatepass import LegacyTokens
from gatepass.jose import SharedKey, sign
from tests.manager.conftest import START

KEY = SharedKey.generate()
UNTIL = datetime.fromtimestamp(START, UTC) + timedelta(days=365)
DAY = 86_400


def rules(**options: Any) -> LegacyTokens:
    known: dict[str, Any] = {"keys": KEY, "kind": "flask-jwt-extended", "until": UNTIL}
    return LegacyTokens(**(known | options))


def flask(kind: str = "refresh", **claims: Any) -> str:
    good = {"type": kind, "sub": "alice", "jti": "one", "iat": int(START), "fresh": True}
    return sign(good | {"exp": int(START) + 30 * DAY, "role": "user"} | claims, KEY)


def simple(kind: str = "refresh", **claims: Any) -> str:
    good = {"token_type": kind, "user_id": "7", "jti": "one", "iat": int(START)}
    return sign(good | {"exp": int(START) + 30 * DAY} | claims, KEY)
