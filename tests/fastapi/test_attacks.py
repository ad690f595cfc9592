"""What an attacker tries on an application of FastAPI: each test is named after its attack."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI

from gatepass import AccessClaims, AsyncTokenManager, TokenPolicy
from gatepass.fastapi import Auth, Identity
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore

pytestmark = pytest.mark.anyio
FORM = {"username": "ada", "password": "correct"}


def make_auth() -> Auth:
    manager = AsyncTokenManager(
        TokenPolicy(issuer="api-server", audience="api-client"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=AsyncMemoryStore(),
    )
    return Auth(manager, authenticate=lambda username, _: Identity(username))


@pytest.fixture
def auth() -> Auth:
    return make_auth()


@pytest.fixture
def app(auth: Auth) -> FastAPI:
    app = FastAPI()  # as everybody makes it: slashes at the end are redirected
    auth.install(app)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Host": "evil.example"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://app.example", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_a_slash_at_the_end_sends_no_password_on_to_the_host_of_the_request(
    method: str, client: httpx.AsyncClient
) -> None:
    names = ("login", "refresh", "logout", "sessions", "sessions/x", "me")
    for path in (*(f"/auth/{name}" for name in names), "/.well-known/jwks.json"):
        answer = await client.request(method, f"{path}/", json=FORM)

        assert (answer.status_code, "location" in answer.headers) == (404, False)


async def test_a_mounted_application_refuses_with_the_table(
    app: FastAPI, auth: Auth, client: httpx.AsyncClient
) -> None:
    mounted = FastAPI()
    auth.answer_refusals(mounted)

    @mounted.get("/private")
    async def private(claims: Annotated[AccessClaims, Depends(auth.required())]) -> str:
        return claims.subject

    app.mount("/below", mounted)
    token = (await client.post("/auth/login", json=FORM)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    missing = await client.get("/below/private")

    assert (missing.status_code, missing.json()["code"]) == (401, "token_missing")
    assert missing.headers["www-authenticate"] == "Bearer"
    assert (await client.get("/below/private", headers=bearer)).json() == "ada"


async def test_a_token_that_one_auth_took_does_not_open_what_another_guards_in_the_same_request(
    app: FastAPI, auth: Auth, client: httpx.AsyncClient
) -> None:
    other = make_auth()

    @app.get("/both", dependencies=[Depends(auth.required())])
    async def both(claims: Annotated[AccessClaims, Depends(other.required())]) -> str:
        return claims.subject

    token = (await client.post("/auth/login", json=FORM)).json()["access_token"]
    answer = await client.get("/both", headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["code"]) == (403, "token_invalid")
