"""Flask: a bare view, gatepass, Flask-JWT-Extended, and PyJWT by hand."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jwt
from flask import Flask, Response, g, request
from flask_jwt_extended import JWTManager, create_access_token, jwt_required

from benchmarks.frameworks.stage import (
    BASE,
    BODY,
    GATEPASS,
    REVOKED,
    SECRET,
    App,
    Stage,
    peers_claims,
)
from benchmarks.scene import AUDIENCE, ISSUER, SUBJECT
from gatepass import TokenManager
from gatepass.flask import Auth
from gatepass.revocations.sqlite import SqliteReplica
from gatepass.stores.sql import SqlStore

View = Callable[[], Response]


def flask_apps(stage: Stage) -> dict[str, App]:
    """One application each, with one view."""
    return {
        BASE: App(_app(lambda view: view), is_open=True),
        GATEPASS: App(_gatepass(stage), stage.token),
        "Flask-JWT-Extended": _extended(),
        "PyJWT by hand": App(_app(_by_hand), jwt.encode(peers_claims(), SECRET)),
    }


def _app(decorate: Callable[[View], View]) -> Flask:
    app = Flask("benchmark")

    def me() -> Response:
        return Response(BODY, content_type="application/json")

    app.add_url_rule("/me", view_func=decorate(me))
    return app


def _gatepass(stage: Stage) -> Flask:
    store = SqlStore.from_url(stage.url)
    manager = TokenManager(
        stage.policy,
        access_keys=stage.access_key,
        refresh_keys=stage.refresh_key,
        store=store,
        revocations=SqliteReplica(store),
    )
    auth = Auth(manager)
    app = _app(auth.required())
    auth.init_app(app)
    return app


def _by_hand(view: View) -> View:
    @wraps(view)
    def guarded() -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            claims = jwt.decode(
                token if scheme.lower() == "bearer" else "",
                SECRET,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "sub", "iat", "jti"]},
            )
        except jwt.PyJWTError:
            return Response(status=401)
        if claims["jti"] in REVOKED:
            return Response(status=401)
        g.claims = claims
        return view()

    return guarded


def _extended() -> App:
    app = _app(jwt_required())
    app.config |= {
        "JWT_SECRET_KEY": SECRET,
        "JWT_DECODE_AUDIENCE": AUDIENCE,
        "JWT_DECODE_ISSUER": ISSUER,
        "JWT_ENCODE_AUDIENCE": AUDIENCE,
        "JWT_ENCODE_ISSUER": ISSUER,
        "JWT_ACCESS_TOKEN_EXPIRES": 86_400,
    }
    manager = JWTManager(app)

    def is_revoked(_: Any, claims: dict[str, Any]) -> bool:
        return claims["jti"] in REVOKED

    manager.token_in_blocklist_loader(is_revoked)
    with app.app_context():
        token: str = create_access_token(SUBJECT, additional_claims={"role": "admin"})
    return App(app, token)
