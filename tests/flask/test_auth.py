"""Decorators, claims and answers in a Flask application."""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import pytest
from flask import Flask

from gatepass import (
    AsyncTokenManager,
    TokenIssuer,
    TokenManager,
    TokenPolicy,
    TokenVerifier,
)
from gatepass.errors import StoreUnavailable
from gatepass.flask import Auth, Cookies, HttpPolicy, Identity, Limits
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore

ACCESS, REFRESH = SharedKey.generate(), SharedKey.generate()
POLICY = TokenPolicy(issuer="api-server", audience="api-client")
FORM = {"username": "ada", "password": "correct"}


def make_manager(**options: Any) -> TokenManager:
    return TokenManager(
        POLICY, access_keys=ACCESS, refresh_keys=REFRESH, store=MemoryStore(), **options
    )


def authenticate(username: str, password: str) -> Identity | None:
    return Identity(username) if password == "correct" else None


def make_app(auth: Auth) -> Flask:
    app = Flask(__name__)
    auth.init_app(app)

    @app.get("/private")
    @auth.required()
    def private() -> str:
        return auth.claims.subject

    @app.get("/later")
    @auth.required()
    async def later() -> str:
        return auth.claims.subject

    @app.get("/open")
    @auth.optional()
    def anybody() -> str:
        return repr(auth.find_claims())

    @app.get("/open-wrong")
    @auth.optional()
    def wrong() -> str:
        return auth.claims.subject

    @app.get("/unguarded")
    def unguarded() -> str:
        return repr(auth.find_claims())

    @app.get("/failing")
    def failing() -> str:
        raise StoreUnavailable

    @app.get("/social")
    def social() -> Any:
        return auth.log_in("ada", {"role": "admin"})

    app.testing = True
    return app


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/private", "/later"])
def test_views_of_both_kinds_find_their_callers_claims(path: str) -> None:
    manager = make_manager()
    client = make_app(Auth(manager)).test_client()
    answer = client.get(path, headers=bearer(manager.issue("ada").access_token))

    assert answer.text == "ada"
    assert client.get(path).json == {"error": "Access token required", "code": "token_missing"}


def test_claims_of_a_view_that_nothing_guards_are_a_mistake_and_not_nobody() -> None:
    client = make_app(Auth(make_manager())).test_client()

    assert client.get("/open").text == "None"
    with pytest.raises(RuntimeError, match=r"ask auth\.find_claims\(\) where it is optional"):
        client.get("/open-wrong")
    with pytest.raises(RuntimeError, match=r"guard the view with auth\.required\(\) or auth\.opt"):
        client.get("/unguarded")


def test_claims_do_not_outlive_their_request_under_an_application_context_that_does() -> None:
    manager = make_manager()
    app = make_app(Auth(manager))
    with app.app_context():
        client = app.test_client()
        first = client.get("/private", headers=bearer(manager.issue("ada").access_token))
        with pytest.raises(RuntimeError, match=r"auth\.optional"):
            client.get("/unguarded")

    assert first.text == "ada"


def test_a_store_that_fails_in_a_view_answers_503() -> None:
    answer = make_app(Auth(make_manager())).test_client().get("/failing")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_a_log_in_by_other_means_answers_in_cookies_where_there_are_some() -> None:
    plain = make_app(Auth(make_manager())).test_client().get("/social")
    cookies = Cookies(insecure_for_development_over_http=True)
    policy = HttpPolicy(cookies=cookies, public_origins=["http://localhost:8000"])
    client = make_app(Auth(make_manager(), http=policy)).test_client()
    answer = client.get("/social")

    assert json.loads(plain.data)["token_type"] == "Bearer"
    assert len(answer.headers.getlist("Set-Cookie")) == 3
    assert client.get("/private").text == "ada"


def test_guesses_are_limited_without_an_event_loop_unless_that_is_turned_off() -> None:
    wrong = FORM | {"password": "wrong"}
    limited, unlimited = (
        make_app(Auth(make_manager(), authenticate=authenticate, limits=limits)).test_client()
        for limits in (Limits(account="1/hour"), None)
    )
    good, bad, late = (limited.post("/auth/login", json=one) for one in (FORM, wrong, FORM))
    mark = {"device_token": json.loads(good.data)["device_token"]}

    assert [good.status_code, bad.status_code, late.status_code] == [200, 401, 429]
    assert 1 <= int(late.headers["Retry-After"]) <= 3600
    assert limited.post("/auth/login", json=FORM | mark).status_code == 200
    assert {unlimited.post("/auth/login", json=wrong).status_code for _ in range(30)} == {401}


def test_limits_of_another_kind_are_a_mistake() -> None:
    limits: Any = "10/minute"

    with pytest.raises(TypeError, match=r"limits are Limits, as in Limits\(…\), and not str"):
        Auth(make_manager(), limits=limits)


def test_something_async_is_refused_where_there_is_no_event_loop() -> None:
    async def later(username: str, _: str) -> Identity | None:
        return Identity(username)

    def promise(username: str, _: str) -> Awaitable[Identity | None]:
        return pending(username)

    async def pending(username: str) -> Identity | None:
        await asyncio.sleep(0)
        return Identity(username)

    app = make_app(Auth(make_manager(), authenticate=later))
    waiting = make_app(Auth(make_manager(), authenticate=promise))

    assert app.test_client().post("/auth/login", json=FORM).status_code == 200
    with pytest.raises(TypeError, match="without an event loop"):
        waiting.test_client().post("/auth/login", json=FORM)


def test_a_resource_server_has_guards_and_no_routes() -> None:
    verifier = TokenVerifier(ACCESS, issuer="api-server", audience="api-client")
    issuer = TokenIssuer(ACCESS, issuer="api-server", audience="api-client", lifetime=60)
    client = make_app(Auth(verifier)).test_client()

    assert client.get("/private", headers=bearer(issuer.issue("ada"))).text == "ada"
    assert client.post("/auth/refresh").status_code == 404
    assert client.get("/.well-known/jwks.json").status_code == 404


def test_a_body_too_long_or_of_a_limit_of_flasks_own_is_refused() -> None:
    app = make_app(Auth(make_manager()))
    long = app.test_client().post("/auth/refresh", data=b" " * 70_000)
    app.config["MAX_CONTENT_LENGTH"] = 10
    limited = app.test_client().post("/auth/refresh", data=b" " * 70)

    assert (long.status_code, long.json) == (limited.status_code, limited.json)
    assert long.json == {"error": "Invalid request", "code": "invalid_request"}


def test_an_async_manager_is_refused() -> None:
    manager: Any = AsyncTokenManager(
        POLICY, access_keys=ACCESS, refresh_keys=REFRESH, store=AsyncMemoryStore()
    )

    with pytest.raises(TypeError, match="must be TokenManager, not AsyncTokenManager"):
        Auth(manager)


@pytest.mark.parametrize("path", ["/auth/login", "/sso"])
def test_session_claims_of_a_log_in_stay_through_a_refresh(path: str) -> None:
    how = {"amr": ["otp"], "org": "acme"}
    manager = make_manager(load_claims=lambda *_: {"role": "reader"})
    auth = Auth(manager, authenticate=lambda *_: Identity("ada", {}, session_claims=how))
    app = make_app(auth)
    app.post("/sso")(lambda: auth.log_in("ada", {}, session_claims=how))
    client = app.test_client()
    pair: Any = client.post(path, json=FORM).json
    again: Any = client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]}).json
    claims = manager.verify(again["access_token"])

    assert {name: claims[name] for name in (*how, "role")} == how | {"role": "reader"}


@pytest.mark.parametrize("path", ["/claims", "/later-claims", "/created", "/nested"])
def test_a_view_returns_the_claims(path: str) -> None:
    manager = make_manager()
    auth = Auth(manager)
    app = make_app(auth)
    guard: Any = auth.required()

    async def later() -> Any:
        return auth.claims

    app.add_url_rule("/claims", view_func=guard(lambda: auth.claims), endpoint="claims")
    app.add_url_rule("/later-claims", view_func=guard(later), endpoint="later-claims")
    app.add_url_rule("/created", view_func=guard(lambda: (auth.claims, 201)), endpoint="created")
    app.add_url_rule("/nested", view_func=guard(lambda: {"a": [auth.claims]}), endpoint="nested")
    token = manager.issue("ada", {"roles": ["admin"]}).access_token
    answer = app.test_client().get(path, headers=bearer(token))
    found: Any = answer.json

    assert answer.status_code == (201 if path == "/created" else 200)
    assert (found["a"][0] if path == "/nested" else found) == dict(manager.verify(token))
    assert answer.headers["Vary"] == "Authorization"


def test_a_json_provider_still_refuses_what_it_does_not_know() -> None:
    app = make_app(Auth(make_manager()))

    with pytest.raises(TypeError, match="not JSON serializable"):
        app.json.dumps({"x": object()})
