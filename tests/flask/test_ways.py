"""One table: each way to attach a guard, in applications that handle errors in their own ways."""

import json
from collections.abc import Callable

import pytest
from flask import Flask

from gatepass.flask import Auth
from tests.flask.test_auth import FORM, authenticate, bearer, make_manager
from tests.flask.ways import WAYS, Way

PREFLIGHT = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}


def _handling_errors(app: Flask) -> None:
    for error in (Exception, 401, 500):
        app.register_error_handler(error, lambda _: ("theirs", 500))


APPLICATIONS: dict[str, Callable[[Flask], object]] = {
    "without init_app": lambda _: None,
    "plain": lambda _: None,
    "testing": lambda app: app.config.update(TESTING=True),
    "propagating": lambda app: app.config.update(PROPAGATE_EXCEPTIONS=True),
    "trapping": lambda app: app.config.update(TRAP_HTTP_EXCEPTIONS=True),
    "handling errors": _handling_errors,
}


@pytest.mark.parametrize("application", APPLICATIONS)
def test_a_guard_asks_wherever_it_is_attached(application: str, subtests: pytest.Subtests) -> None:
    for name, way in WAYS.items():
        with subtests.test(name):
            check(way, application)


def check(way: Way, application: str) -> None:
    app, manager = Flask(__name__), make_manager()
    auth = Auth(manager, authenticate=authenticate)
    APPLICATIONS[application](app)
    is_installed = application != "without init_app"
    if is_installed:
        auth.init_app(app)
    path = way(app, auth)
    client = app.test_client()
    stranger = client.get(path)
    preflight = client.options(path, headers=PREFLIGHT)
    token = manager.issue("ada", {"role": "admin"}).access_token
    caller = client.get(path, headers=bearer(token))

    assert (stranger.status_code, stranger.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert stranger.data == b'{"error":"Access token required","code":"token_missing"}'
    assert (caller.status_code, "secret" in caller.text) == (200, True)
    assert caller.headers.getlist("Vary") == ["Authorization"]
    assert preflight.status_code in {200, 204}
    assert "secret" not in preflight.text
    if is_installed:
        assert client.post("/auth/login", json=FORM).status_code == 200
        assert client.get("/.well-known/jwks.json").status_code == 200
        assert client.get("/auth/me").status_code == 401


@pytest.mark.parametrize("way", ["of_options_too", "before_request_of_the_application"])
def test_a_guard_answers_a_preflight_by_itself(way: str) -> None:
    app = Flask(__name__)
    path = WAYS[way](app, Auth(make_manager()))
    preflight = app.test_client().options(path, headers=PREFLIGHT)
    plain = app.test_client().options(path)

    assert (preflight.status_code, preflight.data) == (204, b"")
    assert (plain.status_code, json.loads(plain.data)["code"]) == (401, "token_missing")
