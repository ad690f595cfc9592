"""A front end on another port: preflights of the auth routes, alone and beside Flask-CORS."""

import logging
from typing import Any

import pytest
from flask import Flask
from flask_cors import CORS
from werkzeug.test import TestResponse

from gatepass.flask import Auth, Cookies, HttpPolicy
from tests.flask.test_auth import FORM, authenticate, make_manager

PAGE, OTHER = "http://localhost:3000", "http://localhost:5173"
COOKIES = Cookies(insecure_for_development_over_http=True)
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}
MIDDLEWARE = {
    "none": None,
    "default": {},
    "same origin": {"origins": [PAGE], "supports_credentials": True},
    "other origin": {"origins": [OTHER], "supports_credentials": True},
}


def make_app(options: dict[str, Any] | None, *, first: bool, policy: HttpPolicy) -> Flask:
    """An application with Flask-CORS, put on before or after gatepass."""
    app = Flask(__name__)
    auth = Auth(make_manager(), authenticate=authenticate, http=policy)
    install: Any = CORS  # it has no types
    if options is not None and first:
        install(app, **options)
    auth.init_app(app)
    if options is not None and not first:
        install(app, **options)

    @app.get("/orders")
    def orders() -> str:
        return "none"

    return app


def names(response: TestResponse) -> list[str]:
    """The CORS headers of an answer; a browser takes no header that is there twice."""
    return [name for name, _ in response.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("middleware", MIDDLEWARE)
@pytest.mark.parametrize("allowed", [(), (PAGE,), ("https://spa.example",)])
def test_a_page_of_ours_logs_in_whatever_cors_rules_the_application_has(
    middleware: str, *, first: bool, allowed: tuple[str, ...]
) -> None:
    policy = HttpPolicy(cookies=COOKIES, public_origins=[PAGE], allowed_origins=allowed)
    client = make_app(MIDDLEWARE[middleware], first=first, policy=policy).test_client()
    page = {"Origin": PAGE}
    asked = client.options("/auth/login", headers={**page, **PREFLIGHT})
    logged_in = client.post("/auth/login", json={**FORM, "cookies": True}, headers=page)

    assert asked.status_code == 204
    assert "Content-Type" in asked.headers["Access-Control-Allow-Headers"]
    assert logged_in.status_code == 200
    for response in (asked, logged_in):
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert len(names(response)) == len(set(names(response)))


@pytest.mark.parametrize("first", [True, False])
def test_an_origin_that_only_flask_cors_knows_logs_in_too(*, first: bool) -> None:
    options = {"origins": [OTHER], "supports_credentials": True}
    client = make_app(options, first=first, policy=HttpPolicy()).test_client()
    page = {"Origin": OTHER}
    asked = client.options("/auth/login", headers={**page, **PREFLIGHT})
    logged_in = client.post("/auth/login", json=FORM, headers=page)

    assert (asked.status_code, logged_in.status_code) == (204, 200)
    for response in (asked, logged_in):
        assert response.headers["Access-Control-Allow-Origin"] == OTHER
        assert len(names(response)) == len(set(names(response)))


@pytest.mark.parametrize("first", [True, False])
def test_a_page_that_both_know_calls_the_applications_routes(*, first: bool) -> None:
    policy = HttpPolicy(cookies=COOKIES, public_origins=[PAGE], allowed_origins=[PAGE])
    client = make_app(MIDDLEWARE["same origin"], first=first, policy=policy).test_client()
    asked = client.options("/orders", headers={"Origin": PAGE, **PREFLIGHT})
    answered = client.get("/orders", headers={"Origin": PAGE})

    for response in (asked, answered):
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert len(names(response)) == len(set(names(response)))


def test_a_rejected_preflight_is_told_once_every_extension_had_its_say(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "gatepass")
    policy = HttpPolicy(cookies=COOKIES, public_origins=[PAGE])
    clients = {
        name: make_app(options, first=False, policy=policy).test_client()
        for name, options in MIDDLEWARE.items()
    }
    caplog.clear()
    for client in clients.values():
        client.options("/auth/login", headers={"Origin": OTHER, **PREFLIGHT})
        client.options("/orders", headers={"Origin": PAGE, **PREFLIGHT})
    told = [record.getMessage().partition(": ")[2][:32] for record in caplog.records]

    unknown, own = f"the page's origin {OTHER}"[:32], f"public_origins lets {PAGE}"[:32]
    assert told == [unknown, own, unknown, own]
    assert all("preflight rejected" in record.getMessage() for record in caplog.records)
