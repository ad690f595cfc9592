"""Each product: a token of its published form is accepted, its ID tokens are not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatepass import AsyncTokenVerifier, TokenVerifier
from gatepass.errors import SettingsRejected, TokenInvalid
from gatepass.issuers import TrustedIssuer, auth0, cognito, entra, keycloak
from gatepass.jose import KeySet
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet
from tests.issuers.published import (
    API,
    AUTH0,
    AUTH0_ID,
    AUTH0_RFC9068,
    COGNITO,
    COGNITO_ID,
    ENTRA_1,
    ENTRA_1_ID,
    ENTRA_2,
    ENTRA_ID,
    KEYCLOAK,
    KEYCLOAK_ID,
    NOW,
    POOL,
    TENANT,
    jwks,
    signed,
)

POOL_ISSUER = cognito(POOL, client_id="xxxxxxxxxxxxexample")
TENANT_1 = entra(TENANT, audience=API, version=1)
TENANT_2 = entra(TENANT, audience=(API, "api://tasks"))
DOMAIN = auth0("my-domain.auth0.com", audience="https://example.com/health-api")
REALM = keycloak("https://id.example.com/realms/shop", audience="orders-api")
X5C = {"x5t": "nOo3ZDrODXEK1jKWhXslHR_KXEg", "x5c": ["MIIDBTCCAe2gAwIBAgIQ"]}

FORMS: dict[str, tuple[TrustedIssuer, Any, str | None, Any, str, set[str]]] = {
    "Cognito": (POOL_ISSUER, COGNITO, None, {"alg": "RS256"}, "openid", {"testgroup"}),
    "Entra v1": (TENANT_1, ENTRA_1, "JWT", X5C, "user_impersonation", set()),
    "Entra v2": (TENANT_2, ENTRA_2, "JWT", X5C, "Tasks.Read", {"Tasks.Admin"}),
    "Auth0": (DOMAIN, AUTH0, "JWT", X5C | {"alg": "RS256"}, "read:admin", {*AUTH0["permissions"]}),
    "Auth0, RFC 9068": (
        DOMAIN,
        AUTH0_RFC9068,
        "at+jwt",
        X5C | {"alg": "RS256"},
        "read:admin",
        {*AUTH0["permissions"]},
    ),
    "Keycloak": (REALM, KEYCLOAK, "JWT", {"alg": "RS256"}, "email", {"seller"}),
    "Keycloak, at+jwt": (REALM, KEYCLOAK, "at+jwt", {"alg": "RS256"}, "email", {"seller"}),
}
ID_TOKENS = {
    "Cognito": (POOL_ISSUER, COGNITO_ID),
    "Entra v1": (TENANT_1, ENTRA_1_ID),
    "Entra v2": (TENANT_2, ENTRA_ID),
    "Auth0": (DOMAIN, AUTH0_ID),
    "Auth0 with azp": (DOMAIN, AUTH0_ID | {"azp": "x", "nonce": "n"}),
    "Keycloak": (REALM, KEYCLOAK_ID),
}


def verify(issuer: TrustedIssuer, token: str, **members: Any) -> Any:
    """By a verifier that has the issuer's published keys."""
    has_algorithm = "alg" in members
    keys = KeySet.from_jwks(jwks(**members), algorithm=None if has_algorithm else "RS256")
    return TokenVerifier.for_issuers(replace(issuer, keys=keys), now=lambda: NOW).verify(token)


@pytest.mark.parametrize("product", FORMS)
def test_a_token_of_the_published_form_is_accepted(product: str) -> None:
    issuer, claims, typ, members, scope, roles = FORMS[product]

    verified = verify(issuer, signed(claims, typ=typ), **members)

    assert verified.subject == claims["sub"]
    assert scope in verified.scopes
    assert roles <= verified.roles


@pytest.mark.parametrize("product", ID_TOKENS)
def test_an_id_token_is_rejected(product: str) -> None:
    issuer, claims = ID_TOKENS[product]

    with pytest.raises(TokenInvalid):
        verify(issuer, signed(claims))


OTHERS = {
    "another client": (POOL_ISSUER, COGNITO | {"client_id": "other"}, "its client_id is not"),
    "another API of the client": (POOL_ISSUER, COGNITO | {"aud": "https://b.example"}, "aud"),
    "no client": (POOL_ISSUER, COGNITO | {"client_id": None}, "its client_id is not"),
    "another tenant": (TENANT_2, ENTRA_2 | {"iss": ENTRA_2["iss"].replace("fa15", "fa16")}, "iss"),
    "the other version": (TENANT_2, ENTRA_2 | {"ver": "1.0"}, "its ver is none of those"),
    "another API": (DOMAIN, AUTH0 | {"aud": "https://example.com/other"}, "its aud is not"),
    "no audience mapper": (REALM, KEYCLOAK | {"aud": "account"}, "its aud is not 'orders-api'"),
    "a refresh token": (REALM, KEYCLOAK | {"typ": "Refresh"}, "its typ is none of those"),
    "a logout token": (REALM, KEYCLOAK | {"typ": "Logout"}, "its typ is none of those"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_token_for_somebody_else_is_rejected(what: str) -> None:
    issuer, claims, why = OTHERS[what]

    with pytest.raises(TokenInvalid, match=why):
        verify(issuer, signed(claims))


def test_one_of_several_clients_or_audiences_is_enough() -> None:
    several = cognito(POOL, client_id=["web", "xxxxxxxxxxxxexample"])

    assert verify(several, signed(COGNITO, typ=None)).subject
    assert verify(TENANT_2, signed(ENTRA_2 | {"aud": "api://tasks"})).subject


def test_a_token_of_cognito_that_is_bound_to_an_api_is_for_that_api() -> None:
    bound = cognito(POOL, client_id="xxxxxxxxxxxxexample", audience="https://a.example")

    for claims in (COGNITO, COGNITO | {"aud": "https://a.example"}):
        assert verify(bound, signed(claims, typ=None)).subject
    with pytest.raises(TokenInvalid, match="its aud is none of those allowed"):
        verify(bound, signed(COGNITO | {"aud": ["https://a.example", "https://b.example"]}))


def test_roles_of_a_keycloak_client_are_those_of_that_client_only() -> None:
    issuer = keycloak(REALM.issuer, audience="orders-api", roles_of_client="orders-api")

    assert verify(issuer, signed(KEYCLOAK)).roles == {"refund"}


ADDRESSES: dict[str, tuple[Callable[[], TrustedIssuer], str]] = {
    "Cognito": (lambda: cognito("eu-west-1_Ab1", client_id="c"), "cognito-idp.eu-west-1.amazonaws"),
    "Cognito, several regions": (
        lambda: cognito("eu-west-1_Ab1", client_id="c", multi_region=True),
        "issuer-cognito-idp.eu-west-1.amazonaws.com",
    ),
    "Cognito in China": (
        lambda: cognito("cn-north-1_Ab1", client_id="c"),
        "cognito-idp.cn-north-1.amazonaws.com.cn",
    ),
    "Entra": (lambda: entra(TENANT, audience=API), "login.microsoftonline.com"),
    "Auth0": (lambda: auth0("my-domain.auth0.com", audience="a"), "my-domain.auth0.com"),
    "Keycloak": (lambda: keycloak("https://id.example.com/realms/a", audience="a"), "id.example"),
    "Keycloak in a cluster": (
        lambda: keycloak(
            "https://id.example.com/realms/a",
            audience="a",
            jwks_url="http://keycloak.auth.svc:8080/realms/a/protocol/openid-connect/certs",
            accept_plain_http_from_host="keycloak.auth.svc",
        ),
        "keycloak.auth.svc",
    ),
}


@pytest.mark.parametrize("product", ADDRESSES)
def test_the_keys_are_fetched_from_the_product_in_both_versions(product: str) -> None:
    make, host = ADDRESSES[product]
    issuer = make()
    assert callable(issuer.keys)
    blocking, awaited = issuer.keys(is_async=False), issuer.keys(is_async=True)

    assert isinstance(blocking, RemoteKeySet)
    assert isinstance(awaited, AsyncRemoteKeySet)
    assert host in repr(blocking)
    for kind in (TokenVerifier, AsyncTokenVerifier):
        assert kind.for_issuers(issuer).revocations is None


WRONG: dict[str, Callable[[], object]] = {
    "a pool without its region": lambda: cognito("EXAMPLE", client_id="c"),
    "a pool that is a path": lambda: cognito("eu-west-1_Ab1/../x", client_id="c"),
    "no client": lambda: verify(cognito(POOL, client_id=[]), ""),
    "every tenant": lambda: entra("common", audience=API),
    "a tenant's name": lambda: entra("example.com", audience=API),
    "no tenant": lambda: entra(None, audience=API),  # type: ignore[arg-type]
    "another version": lambda: entra(TENANT, audience=API, version=3),  # type: ignore[arg-type]
    "a URL as a domain": lambda: auth0("https://my-domain.auth0.com/", audience="a"),
    "a realm with a slash": lambda: keycloak("https://id.example.com/realms/a/", audience="a"),
    "no realm": lambda: keycloak("https://id.example.com", audience="a"),
    "plain http": lambda: TokenVerifier.for_issuers(
        keycloak("http://id.example.com/realms/a", audience="a")
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_value_that_names_no_one_issuer_is_rejected(what: str) -> None:
    with pytest.raises(SettingsRejected):
        WRONG[what]()
