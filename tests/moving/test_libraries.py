"""Tokens that the libraries themselves make."""

from datetime import UTC, datetime, timedelta

from authx.token import create_token
from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token

from gatepass import LegacyTokens, TokenManager, TokenPolicy
from gatepass.flask import Auth
from gatepass.http import Limits
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


def test_the_auth_routes_take_legacy_tokens_and_fresh_guards_do_not() -> None:
    before, after = Flask("before"), Flask("after")
    before.config["JWT_SECRET_KEY"] = SECRET
    JWTManager(before)
    auth = Auth(
        manager_for("flask-jwt-extended"),
        authenticate=lambda _name, _password: None,
        limits=Limits(refresh="10/minute"),
    )
    auth.init_app(after)

    @after.get("/transfer")
    @auth.required(fresh=timedelta(minutes=5))
    def transfer() -> str:
        return "done"

    with before.app_context():
        access, refresh = create_access_token("ada", fresh=True), create_refresh_token("ada")
    client, bearer = after.test_client(), {"Authorization": f"Bearer {access}"}
    pair = client.post("/auth/refresh", json={"refresh_token": refresh}).get_json()
    new = {"Authorization": f"Bearer {pair['access_token']}"}

    assert client.get("/auth/me", headers=bearer).get_json()["sub"] == "ada"
    for headers in (bearer, new):
        answer = client.get("/transfer", headers=headers)
        assert answer.get_json()["code"] == "insufficient_user_authentication"
    assert client.post("/auth/refresh", json={"refresh_token": access}).status_code == 401
    assert client.post("/auth/logout", headers=bearer).status_code == 200
    assert client.get("/auth/me", headers=bearer).get_json()["code"] == "token_revoked"
    assert client.post("/auth/logout", json={"refresh_token": refresh}).status_code == 200
    assert client.get("/auth/me", headers=new).get_json()["code"] == "token_revoked"
