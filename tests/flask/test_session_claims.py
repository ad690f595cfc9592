"""Session claims of a log-in, by password and by other means."""

from typing import Any

import pytest
from flask import Flask, Response

from gatepass import TokenManager, TokenPolicy
from gatepass.flask import Auth
from gatepass.http import Identity
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore

HOW = {"amr": ["otp"], "org": "acme"}


@pytest.mark.parametrize("path", ["/auth/login", "/sso"])
def test_session_claims_of_a_log_in_stay_through_a_refresh(path: str) -> None:
    manager = TokenManager(
        TokenPolicy(issuer="api-server", audience="api-client"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=MemoryStore(),
        load_claims=lambda *_: {"role": "reader"},
    )
    auth = Auth(manager, authenticate=lambda *_: Identity("ada", {}, session_claims=HOW))
    app = Flask(__name__)
    auth.init_app(app)

    @app.post("/sso")
    def sso() -> Response:
        return auth.log_in("ada", {}, session_claims=HOW)

    client = app.test_client()
    pair: Any = client.post(path, json={"username": "ada", "password": "x"}).json
    again: Any = client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]}).json
    claims = manager.verify(again["access_token"])

    assert {name: claims[name] for name in (*HOW, "role")} == HOW | {"role": "reader"}
