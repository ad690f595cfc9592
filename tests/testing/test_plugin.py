"""A test as a user writes it, in every framework."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatepass import AsyncTokenManager, TokenManager
from gatepass.errors import TokenError
from gatepass.jose import SharedKey, SigningKey
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore
from gatepass.testing import Clock, Mint
from gatepass.testing.waiting import wait_for
from gatepass.tokens import TokenPolicy
from tests.project.files import ROOT

USERS_TEST = """
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from flask import Flask

import gatepass.asgi
import gatepass.fastapi
import gatepass.flask
from gatepass.testing import Mint


def test_fastapi(gatepass_async_manager, gatepass_clock, gatepass_mint):
    auth = gatepass.fastapi.Auth(gatepass_async_manager, now=gatepass_clock)
    app = FastAPI()
    auth.install(app)

    @app.get("/admin")
    async def admin(claims: Annotated[object, Depends(auth.required(roles=["admin"]))]):
        return {"subject": claims.subject}

    client = gatepass_mint.fastapi_client(app, "ada", {"role": "admin"})
    assert client.get("/admin").json() == {"subject": "ada"}
    assert gatepass_mint.fastapi_client(app, "grace").get("/admin").status_code == 403
    gatepass_clock.advance(15 * 60)
    assert client.get("/admin").json()["code"] == "token_expired"


def test_flask(gatepass_manager, gatepass_mint, gatepass_clock):
    auth = gatepass.flask.Auth(gatepass_manager, now=gatepass_clock)
    app = Flask(__name__)
    auth.init_app(app)
    app.add_url_rule("/me", view_func=auth.required()(lambda: auth.claims.subject))

    assert gatepass_mint.flask_client(app, "ada").get("/me").text == "ada"
    for bad in ("expired", "revoked", "forged"):
        header = {"Authorization": f"Bearer {getattr(gatepass_mint, bad)()}"}
        assert app.test_client().get("/me", headers=header).status_code in (401, 403), bad


def test_asgi(gatepass_async_manager):
    import asyncio

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["gatepass"].subject.encode()})

    guarded = gatepass.asgi.Auth(gatepass_async_manager).required()(app)

    async def ask():
        async with Mint(gatepass_async_manager).asgi_client(guarded, "ada") as client:
            return await client.get("/")

    assert asyncio.run(ask()).text == "ada"


def test_django(gatepass_manager, gatepass_mint):
    import django
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import path

    from gatepass.django import Auth, Cookies, HttpPolicy

    auth = Auth(gatepass_manager)
    cookies = HttpPolicy(cookies=Cookies(), public_origins=["https://app.example"])
    by_cookie = Auth(gatepass_manager, http=cookies)
    view = auth.required()(lambda request: HttpResponse(request.gatepass.subject))
    other = by_cookie.required()(lambda request: HttpResponse(request.gatepass.subject))
    settings.configure(
        ROOT_URLCONF=(path("me", view), path("it", other)),
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="x",
        MIDDLEWARE=[],
    )
    django.setup()

    assert gatepass_mint.django_client("ada").post("/me").content == b"ada"
    visitor = gatepass_mint.django_client("ada", cookies_of=by_cookie)
    assert visitor.post("/it").content == b"ada"
    assert visitor.post("/it", headers={"X-CSRF-Token": ""}).status_code == 403
"""


@pytest.mark.programs
def test_a_users_tests_pass_in_every_framework(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["gatepass.testing"]\n')
    (tmp_path / "test_mine.py").write_text(USERS_TEST)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert "4 passed" in ran.stdout, ran.stdout


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000)


def test_a_clock_stands_still_until_it_is_moved(clock: Clock) -> None:
    before = clock()
    clock.advance(timedelta(minutes=1))
    clock.advance(-0.5)

    assert (before, clock()) == (1_800_000_000, 1_800_000_059.5)
    assert Clock()() == pytest.approx(Clock()(), abs=5)


@pytest.mark.parametrize("key", [SharedKey.generate(), SigningKey.generate("ES256")])
def test_every_kind_of_token_is_refused_for_its_own_reason(
    key: SharedKey | SigningKey, clock: Clock
) -> None:
    manager = TokenManager(
        TokenPolicy(issuer="api-server", audience="api-client"),
        access_keys=key,
        refresh_keys=SharedKey.generate(),
        store=MemoryStore(clock=clock),
        now=clock,
    )
    mint = Mint(manager)
    refusals = {}
    for kind in ("expired", "revoked", "forged"):
        with pytest.raises(Exception) as refused:  # noqa: PT011 - its code is compared below
            manager.verify(getattr(mint, kind)())
        refusals[kind] = getattr(refused.value, "code", None)

    assert refusals == {
        "expired": "token_expired",
        "revoked": "token_revoked",
        "forged": "token_invalid",
    }
    stale = manager.verify(mint.stale("ada", {"role": "admin"}))
    assert (stale.auth_time, stale["role"]) == (clock() - 365 * 86_400, "admin")


@pytest.mark.parametrize("is_async", [False, True])
def test_every_kind_of_opaque_token_is_refused_for_its_own_reason(
    clock: Clock, *, is_async: bool
) -> None:
    kind: Any = AsyncTokenManager if is_async else TokenManager
    store = AsyncMemoryStore(clock=clock) if is_async else MemoryStore(clock=clock)
    manager = kind(
        TokenPolicy(issuer="api-server", audience="api-client", access_format="opaque"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=store,
        now=clock,
    )
    mint = Mint(manager)
    refusals = []
    for kind in ("expired", "revoked", "forged"):
        with pytest.raises(TokenError) as refused:
            wait_for(manager.verify(getattr(mint, kind)()))
        refusals.append(refused.value.code)

    assert refusals == ["token_expired", "token_revoked", "token_expired"]
    assert wait_for(manager.verify(mint.good("ada"))).subject == "ada"
    stale = wait_for(manager.verify(mint.stale("ada", {"role": "admin"})))
    assert (stale.auth_time, stale["role"]) == (clock() - 365 * 86_400, "admin")


@pytest.mark.anyio
async def test_a_mint_works_where_a_loop_is_running(
    gatepass_async_manager: AsyncTokenManager,
) -> None:
    token = Mint(gatepass_async_manager).good("ada")

    assert (await gatepass_async_manager.verify(token)).subject == "ada"
