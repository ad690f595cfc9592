"""What `install` adds: the key set, the document, the answers, and nothing unexpected."""

from typing import Any

import pytest
from fastapi import FastAPI

from gatepass.jose import KeySet, SigningKey
from tests.fastapi.world import World
from tests.leaks import Leaks

pytestmark = pytest.mark.anyio
ANSWERS = {
    ("/auth/login", "post"): {"200", "400", "401", "403", "429", "503"},
    ("/auth/refresh", "post"): {"200", "400", "401", "503"},
    ("/auth/logout", "post"): {"200", "400", "401", "403", "503"},
    ("/auth/logout-all", "post"): {"200", "400", "401", "403", "503"},
    ("/auth/me", "get"): {"200", "400", "401", "403", "503"},
    ("/auth/sessions", "get"): {"200", "400", "401", "403", "503"},
    ("/auth/sessions/{session_id}", "delete"): {"204", "400", "401", "403", "404", "503"},
    ("/.well-known/jwks.json", "get"): {"200"},
    ("/private", "get"): {"200", "400", "401", "403", "503"},
    ("/open", "get"): {"200", "400", "401", "403", "503"},
    ("/outage", "get"): {"200"},
}


def codes(operation: dict[str, Any], status: str) -> list[str]:
    content = operation["responses"][status]["content"]["application/json"]
    found: list[str] = content["schema"]["properties"]["code"]["enum"]
    return found


async def test_operations_are_called_by_what_they_do(world: World) -> None:
    paths = world.app.openapi()["paths"]
    ours = {path: found for path, found in paths.items() if path.startswith("/auth/")}
    called = [each["operationId"] for found in ours.values() for each in found.values()]

    assert len(called) == len(set(called)) == 7
    assert all(name.startswith("gatepass_") for name in called)
    assert paths["/auth/me"]["get"]["operationId"] == "gatepass_me_auth_me_get"


async def test_the_document_names_every_answer_of_every_route(world: World) -> None:
    paths = world.app.openapi()["paths"]

    for (path, method), statuses in ANSWERS.items():
        assert set(paths[path][method]["responses"]) == statuses, path
    assert codes(paths["/private"]["get"], "401") == [
        "token_missing",
        "token_expired",
        "token_revoked",
        "insufficient_user_authentication",
    ]
    assert codes(paths["/private"]["get"], "403") == ["token_invalid", "insufficient_scope"]


async def test_the_document_is_served_and_the_page_finds_it(world: World) -> None:
    document = await world.client.get("/openapi.json")
    page = await world.client.get("/docs")

    assert document.json() == world.app.openapi()
    assert "/openapi.json" in page.text


async def test_the_authorize_button_is_told_where_to_log_in(world: World) -> None:
    document = world.app.openapi()
    flows = document["components"]["securitySchemes"]["gatepass"]["flows"]
    private, reports = (document["paths"][path]["get"] for path in ("/private", "/reports"))
    form = document["paths"]["/auth/login"]["post"]["requestBody"]["content"]
    response = await world.client.post(
        f"http://gate.test/{flows['password']['tokenUrl']}",
        data={"grant_type": "password", "username": "ada", "password": "correct horse battery"},
    )

    assert private["security"] == [{"gatepass": []}]
    assert reports["security"] == [{"gatepass": ["reports:read", "reports:write"]}]
    assert set(form) == {"application/json", "application/x-www-form-urlencoded"}
    assert response.json()["access_token"]


async def test_plain_rfc_6750_is_documented_as_such(leaks: Leaks) -> None:
    async with World(leaks=leaks).running(invalid_token_status=401) as world:
        operation = world.app.openapi()["paths"]["/private"]["get"]

    assert "token_invalid" in codes(operation, "401")
    assert codes(operation, "403") == ["insufficient_scope"]


@pytest.mark.parametrize("prefix", ["/api/v1/sign-in", ""])
async def test_the_routes_move_with_the_prefix_and_the_key_set_does_not(
    leaks: Leaks, prefix: str
) -> None:
    async with World(leaks=leaks).running(prefix=prefix) as world:
        paths = world.app.openapi()["paths"]
        flows = world.app.openapi()["components"]["securitySchemes"]["gatepass"]["flows"]

    assert f"{prefix}/login" in paths
    assert "/.well-known/jwks.json" in paths
    assert flows["password"]["tokenUrl"] == f"{prefix}/login".lstrip("/")


@pytest.mark.parametrize("prefix", ["auth", "/auth/", "/"])
async def test_a_prefix_that_would_double_or_lose_a_slash_is_refused(
    world: World, prefix: str
) -> None:
    with pytest.raises(ValueError, match="prefix"):
        world.auth.install(FastAPI(), prefix)


async def test_public_keys_are_published_and_private_ones_are_not(leaks: Leaks) -> None:
    primary, accepted = SigningKey.generate("ES256"), SigningKey.generate("EdDSA")
    keys = KeySet(primary, accepted.public())

    async with World(leaks=leaks).running(access_keys=keys) as world:
        response = await world.client.get("/.well-known/jwks.json")
        token = (await world.log_in())["access_token"]
        published = KeySet.from_jwks(response.json())

        assert (await world.get("/private", token)).status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    assert [key["kid"] for key in response.json()["keys"]] == [primary.kid, accepted.kid]
    assert not any("d" in key for key in response.json()["keys"])
    assert published.public_jwks() == response.json()
