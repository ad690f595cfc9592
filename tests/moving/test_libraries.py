"""Tokens that the libraries themselves make."""

from datetime import UTC, datetime, timedelta

from authx.token import create_token
from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token

from gatepass import LegacyTokens, TokenManager, TokenPolicy
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore

SECRET = "mY7qV3xR9sKw2LzP8tBcN4fGdH6jUe1o"
UNTIL = datetime.now(UTC) + timedelta(days=1)


def manager_for(kind: str) -> TokenManager:
    legacy = LegacyTokens(SharedKey.from_secret(SECRET), kind=kind, until=UNTIL)  # type: ignore[arg-type]
    keys = SharedKey.generate(), SharedKey.generate()
    policy = TokenPolicy(issuer="api-server", audience="api-client")
    return TokenManager(
        policy, access_keys=keys[0], refresh_keys=keys[1], store=MemoryStore(), legacy=legacy
    )


def test_authx() -> None:
    manager = manager_for("authx")
    soon = timedelta(minutes=15)
    access = create_token("ada", SECRET, expiry=soon, fresh=True, csrf="x")
    refresh = create_token("ada", SECRET, type="refresh", expiry=soon, data={"role": "admin"})

    assert manager.verify(access).auth_time is None
    assert manager.verify(manager.refresh(refresh).access_token)["role"] == "admin"


def test_flask_jwt_extended_with_its_csrf_tokens_and_other_claims() -> None:
    manager = manager_for("flask-jwt-extended")
    app = Flask("before")
    app.config |= {"JWT_SECRET_KEY": SECRET, "JWT_TOKEN_LOCATION": ["cookies"]}
    JWTManager(app)
    with app.app_context():
        access = create_access_token("ada", fresh=timedelta(hours=1))
        refresh = create_refresh_token("ada", additional_claims={"role": "admin"})

    assert not {"csrf", "fresh", "type"} & manager.verify(access).keys()
    assert manager.verify(manager.refresh(refresh).access_token)["role"] == "admin"
