"""The OpenAPI document: every answer of the auth routes, in words and examples for people."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from gatepass import AsyncTokenManager, TokenPolicy
from gatepass.fastapi import Auth, Cookies, HttpPolicy, Https
from gatepass.jose import SharedKey
from gatepass.stores.memory import AsyncMemoryStore

ROUTES = {
    "/auth/login post": ["csrf_failed"],
    "/auth/refresh post": ["csrf_failed"],
    "/auth/logout post": ["token_invalid", "csrf_failed"],
    "/auth/logout-all post": ["token_invalid", "insufficient_scope", "csrf_failed"],
    "/auth/password post": [
        "token_invalid",
        "password_wrong",
        "insufficient_scope",
        "csrf_failed",
    ],
    "/auth/csrf get": ["token_invalid", "csrf_failed"],
    "/auth/me get": ["token_invalid"],
    "/auth/sessions get": ["token_invalid"],
    "/auth/sessions/{session_id} delete": ["token_invalid", "insufficient_scope", "csrf_failed"],
    "/.well-known/jwks.json get": [],
}
"""The codes of a 403 where there are cookies."""
COOKIES = {"cookies": Cookies(), "public_origins": ["https://app.example"]}


def document(**options: Any) -> dict[str, Any]:
    manager = AsyncTokenManager(
        TokenPolicy(issuer="api-server", audience="api-client"),
        access_keys=SharedKey.generate(),
        refresh_keys=SharedKey.generate(),
        store=AsyncMemoryStore(),
    )
    app = FastAPI(debug=True)
    Auth(
        manager,
        authenticate=lambda _, __: None,
        change_password=lambda *_: False,
        http=HttpPolicy(**options),
    ).install(app)
    return app.openapi()


def operations(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield f"{path} {method}", operation


def forbidden(found: dict[str, Any]) -> dict[str, list[str]]:
    """The codes of a 403, by route."""
    return {
        name: list(operation["responses"]["403"]["content"]["application/json"]["examples"])
        if "403" in operation["responses"]
        else []
        for name, operation in operations(found)
    }


def bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything that the route reads or answers."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from response.get("content", {}).values()


def test_a_route_names_the_refusals_that_its_policy_can_answer() -> None:
    https = {name: [*codes, "https_required"] for name, codes in ROUTES.items()}
    without = {
        name: [code for code in codes if code != "csrf_failed" or "login" in name]
        for name, codes in ROUTES.items()
        if "csrf" not in name
    }

    assert forbidden(document(**COOKIES)) == ROUTES
    assert forbidden(document(**COOKIES, https=Https())) == https
    assert forbidden(document()) == without


def test_every_route_has_words_and_examples_for_people() -> None:
    for name, operation in operations(document(**COOKIES)):
        assert len(operation["summary"].split()) > 3, name
        assert operation["description"].endswith("."), name
        for status, response in operation["responses"].items():
            assert response["description"] not in {"", "Successful Response"}, (name, status)
        for body in bodies(operation):
            assert body["schema"], name
            shown = [each["value"] for each in body.get("examples", {}).values()]
            for example in shown or [body["example"]]:
                assert example
                assert None not in example.values()


@pytest.mark.parametrize(("status", "code"), [(401, "token_expired"), (503, "store_unavailable")])
def test_a_refusal_shows_the_body_of_each_of_its_codes(status: int, code: str) -> None:
    response = document()["paths"]["/auth/me"]["get"]["responses"][str(status)]
    content = response["content"]["application/json"]

    assert content["examples"][code]["value"]["code"] == code
    assert list(content["examples"]) == content["schema"]["properties"]["code"]["enum"]
