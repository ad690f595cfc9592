"""Requests with cookies that no page of ours made, against the routes themselves."""

import json
from typing import Any

import pytest

from gatepass import AsyncTokenManager, TokenPair
from gatepass.asgi import Auth, Cookies, HttpPolicy, Identity
from gatepass.http import CSRF_PURPOSE, SAFE_METHODS, csrf_token
from tests.asgi.conftest import REFRESH
from tests.asgi.talk import http, talk
from tests.asgi.test_attacks import OWN, secret

pytestmark = pytest.mark.anyio
FORM = {"username": "ada", "password": "correct", "cookies": True}
Headers = dict[str, str]


@pytest.fixture
def auth(manager: AsyncTokenManager) -> Auth:
    cookies = Cookies(insecure_for_development_over_http=True)
    policy = HttpPolicy(cookies=cookies, public_origins=[OWN])
    return Auth(manager, authenticate=lambda name, _: Identity(name), http=policy)


async def ask(app: Any, line: str, body: Any = None, **headers: str) -> tuple[int, list[str]]:
    """The status, and the cookies that are set."""
    method, _, path = line.partition(" ")
    message = {"type": "http.request", "body": b"" if body is None else json.dumps(body).encode()}
    headers |= {} if body is None else {"content_type": "application/json"}
    sent = await talk(app, http(method, path, **headers), [message])
    found = [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]
    return sent[0]["status"], found


def both(access: TokenPair, refresh: TokenPair) -> Headers:
    return {
        "cookie": f"gatepass-access={access.access_token}; gatepass-refresh={refresh.refresh_token}"
    }


def proof(pair: TokenPair, origin: str = OWN) -> Headers:
    return {
        "origin": origin,
        "x_csrf_token": csrf_token(REFRESH.derive(CSRF_PURPOSE), pair.session_id),
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY", "post", "get"])
async def test_every_method_that_may_change_something_needs_proof(
    auth: Auth, manager: AsyncTokenManager, method: str
) -> None:
    app = auth.required()(secret)
    pair = await manager.issue("ada")

    assert method not in SAFE_METHODS
    assert (await ask(app, f"{method} /", **both(pair, pair), origin=OWN))[0] == 403
    assert (await ask(app, f"{method} /", **both(pair, pair), **proof(pair)))[0] == 200


async def test_a_log_in_for_cookies_ends_the_session_it_replaces_and_no_other(
    auth: Auth, manager: AsyncTokenManager
) -> None:
    app = auth.install(secret)
    old, elsewhere = await manager.issue("ada"), await manager.issue("ada")
    for cookie in ({}, {"cookie": "gatepass-access=forged"}, both(old, elsewhere)):
        assert (await ask(app, "POST /auth/login", FORM, **cookie, origin=OWN))[0] == 200
    alive = {session.session_id for session in await manager.sessions("ada")}

    assert old.session_id not in alive
    assert elsewhere.session_id in alive
    assert len(alive) == 4
