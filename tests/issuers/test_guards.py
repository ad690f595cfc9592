"""Guards take scopes and roles from where the issuer keeps them."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gatepass import TokenVerifier
from gatepass.flask import Auth
from gatepass.issuers import TrustedIssuer, cognito, entra, keycloak
from gatepass.jose import KeySet
from tests.issuers.published import API, COGNITO, ENTRA_2, KEYCLOAK, NOW, POOL, TENANT, jwks, signed

KEYS = KeySet.from_jwks(jwks(), algorithm="RS256")
ISSUERS: dict[str, tuple[TrustedIssuer, dict[str, Any], str, str]] = {
    "Cognito": (cognito(POOL, client_id="xxxxxxxxxxxxexample"), COGNITO, "openid", "testgroup"),
    "Entra": (entra(TENANT, audience=API), ENTRA_2, "Tasks.Read", "Tasks.Admin"),
    "Keycloak": (keycloak(KEYCLOAK["iss"], audience="orders-api"), KEYCLOAK, "email", "seller"),
}


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    trusted = [replace(issuer, keys=KEYS) for issuer, *_ in ISSUERS.values()]
    app = Flask(__name__)
    auth = Auth(TokenVerifier.for_issuers(*trusted, now=lambda: NOW))
    auth.init_app(app)
    for _, _, scope, role in ISSUERS.values():
        guard = auth.required(scopes=[scope], roles=[role])
        app.add_url_rule(f"/{role}", role, guard(lambda: "in"))
    return app.test_client()


def status(client: FlaskClient, path: str, claims: dict[str, Any]) -> int:
    bearer = {"Authorization": f"Bearer {signed(claims)}"}
    return client.get(f"/{path}", headers=bearer, base_url="https://localhost").status_code


@pytest.mark.parametrize("product", ISSUERS)
def test_a_guard_finds_the_scopes_and_roles_of_the_product(
    client: FlaskClient, product: str
) -> None:
    _, claims, _, own = ISSUERS[product]
    statuses = {role: status(client, role, claims) for *_, role in ISSUERS.values()}

    assert statuses.pop(own) == 200
    assert set(statuses.values()) == {403}


@pytest.mark.parametrize("planted", ["role", "roles", "scope", "scp", "permissions"])
def test_a_role_in_the_claim_of_another_product_does_not_count(
    client: FlaskClient, planted: str
) -> None:
    claims = {name: value for name, value in COGNITO.items() if name != "cognito:groups"}

    assert status(client, "testgroup", claims | {planted: "openid testgroup"}) == 403
