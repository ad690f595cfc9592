"""Applications whose tests freeze the time with freezegun; `test_frozen.py` runs them."""

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from freezegun import freeze_time

from gatepass import TokenIssuer, TokenManager, TokenPolicy, TokenVerifier
from gatepass.errors import RefreshReused, TokenExpired
from gatepass.flask import Auth
from gatepass.jose import SharedKey
from gatepass.stores.memory import MemoryStore
from gatepass.stores.sql import SqlStore
from tests.project.files import SOURCES

NAMES: dict[str, Any] = {"issuer": "api-server", "audience": "api-client"}
USES = ("access", "refresh")
Stores = dict[str, Callable[[Path], Any]]
STORES: Stores = {
    "memory": lambda _: MemoryStore(),
    "sqlite": lambda folder: SqlStore.from_url(f"sqlite:///{folder}/gate.db"),
}


@pytest.mark.parametrize("kind", STORES)
def test_a_manager_that_was_made_before_lives_in_the_frozen_time(kind: str, tmp_path: Path) -> None:
    keys: dict[str, Any] = {
        "access_keys": SharedKey.generate(),
        "refresh_keys": SharedKey.generate(),
    }
    with TokenManager(TokenPolicy(**NAMES), **keys, store=STORES[kind](tmp_path)) as manager:
        with freeze_time("2031-01-01") as clock:
            pair = manager.issue("ada")
            claims = manager.verify(pair.access_token)
            manager.refresh(pair.refresh_token)
            clock.tick(15 * 60)

            assert claims.issued_at == 1_924_992_000
            with pytest.raises(TokenExpired):
                manager.verify(pair.access_token)
            with pytest.raises(RefreshReused):
                manager.refresh(pair.refresh_token)
            assert manager.sessions("ada") == []
        assert manager.issue("ada").expires_in == 900


def test_an_issuer_and_a_verifier_live_in_the_frozen_time() -> None:
    key = SharedKey.generate()
    issuer, verifier = TokenIssuer(key, **NAMES, lifetime=60), TokenVerifier(key, **NAMES)
    with freeze_time("2031-01-01") as clock:
        token = issuer.issue("ada")
        for _ in range(3):  # the verifier remembers it
            verifier.verify(token)
        clock.tick(60)

        with pytest.raises(TokenExpired):
            verifier.verify(token)


def test_fresh_means_fresh_in_the_frozen_time() -> None:
    keys: dict[str, Any] = {
        "access_keys": SharedKey.generate(),
        "refresh_keys": SharedKey.generate(),
    }
    manager = TokenManager(TokenPolicy(**NAMES), **keys, store=MemoryStore())
    app, auth = Flask(__name__), Auth(manager)
    auth.init_app(app)
    app.add_url_rule("/", view_func=auth.required(fresh=timedelta(minutes=5))(lambda: "fine"))
    with freeze_time("2031-01-01") as clock:
        bearer = {"Authorization": f"Bearer {manager.issue('ada').access_token}"}
        first = app.test_client().get("/", headers=bearer)
        clock.tick(301)
        second = app.test_client().get("/", headers=bearer)

    assert (first.status_code, second.status_code) == (200, 401)
    assert second.get_json()["code"] == "insufficient_user_authentication"


def test_no_default_holds_the_clock_of_the_moment_of_import() -> None:
    found = [
        (file.name, default.lineno)
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.arguments)
        for default in (*node.defaults, *node.kw_defaults)
        if default is not None and ast.unparse(default) == "time.time"
    ]

    assert found == []
