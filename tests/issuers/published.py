"""Tokens and key sets in the form that each product publishes, with the values of its documents.

From the pages "Using the access token" and "Using the ID token" of Amazon Cognito, "Access token
claims reference" and "ID token claims reference" of Microsoft Entra ID, "Access Token Profiles"
and "ID Token Structure" of Auth0, and the Server Administration Guide of Keycloak.
"""

from typing import Any

from tests.jose.forge import compact
from tests.jose.material import private_key, public_jwk_of, raw_signer

NOW = 1_800_000_000
TIMES = {"iat": NOW - 60, "exp": NOW + 600}
POOL = "us-east-1_EXAMPLE01"
TENANT = "fa15d692-e9c7-4460-a743-29f295222290"
API = "6e74172b-be56-4843-9ff4-e66a39bb12e3"

COGNITO: dict[str, Any] = {
    "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "device_key": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "cognito:groups": ["testgroup"],
    "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
    "version": 2,
    "client_id": "xxxxxxxxxxxxexample",
    "origin_jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "event_id": "64f513be-32db-42b0-b78e-b02127b4f463",
    "token_use": "access",
    "scope": "phone openid profile resourceserver.1/appclient2 email",
    "auth_time": NOW - 60,
    "jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "username": "my-test-user",
    **TIMES,
}
COGNITO_ID: dict[str, Any] = {
    "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "cognito:groups": ["testgroup"],
    "email_verified": True,
    "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
    "cognito:username": "my-test-user",
    "nonce": "abcdefg",
    "origin_jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "aud": "xxxxxxxxxxxxexample",
    "event_id": "64f513be-32db-42b0-b78e-b02127b4f463",
    "token_use": "id",
    "auth_time": NOW - 60,
    "jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "email": "my-test-user@example.com",
    **TIMES,
}
_ENTRA: dict[str, Any] = {
    "aud": API,
    "nbf": NOW - 60,
    "aio": "AXQAi/8IAAAAFm+E/QTG+gFnVxLjWdw8K+61AGrSOuMMF6ebaMj7",
    "name": "abeli",
    "oid": "02223b6b-aa1d-42d4-9ec0-1b2bb9194438",
    "rh": "I",
    "sub": "l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA",
    "tid": TENANT,
    "uti": "FVsGxYXI30-TuikuuUoFAA",
    **TIMES,
}
ENTRA_1: dict[str, Any] = _ENTRA | {
    "iss": f"https://sts.windows.net/{TENANT}/",
    "acr": "1",
    "amr": ["pwd"],
    "appid": "75dbe77f-10a3-4e59-85fd-8c127544f17c",
    "appidacr": "0",
    "idp": "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd0122247/",
    "scp": "user_impersonation",
    "unique_name": "abeli@example.com",
    "ver": "1.0",
}
ENTRA_2: dict[str, Any] = _ENTRA | {
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "azp": "75dbe77f-10a3-4e59-85fd-8c127544f17c",
    "azpacr": "0",
    "preferred_username": "abeli@example.com",
    "roles": ["Tasks.Admin"],
    "scp": "access_as_user Tasks.Read",
    "ver": "2.0",
}
ENTRA_ID: dict[str, Any] = _ENTRA | {
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "nonce": "123523",
    "preferred_username": "abeli@example.com",
    "roles": ["Tasks.Admin"],
    "ver": "2.0",
}
ENTRA_1_ID: dict[str, Any] = _ENTRA | {
    "iss": f"https://sts.windows.net/{TENANT}/",
    "unique_name": "abeli@example.com",
    "roles": ["Tasks.Admin"],
    "ver": "1.0",
}
AUTH0: dict[str, Any] = {
    "iss": "https://my-domain.auth0.com/",
    "sub": "auth0|123456",
    "aud": ["https://example.com/health-api", "https://my-domain.auth0.com/userinfo"],
    "azp": "my_client_id",
    "scope": "openid profile read:patients read:admin",
    "permissions": ["read:patients", "read:admin"],
    **TIMES,
}
AUTH0_RFC9068: dict[str, Any] = {name: value for name, value in AUTH0.items() if name != "azp"} | {
    "client_id": "my_client_id",
    "jti": "73WakrfVbNJBaAmhQtEeDv",
}
AUTH0_ID: dict[str, Any] = {
    "iss": "https://my-domain.auth0.com/",
    "sub": "auth0|123456",
    "aud": "https://example.com/health-api",  # as if the API had the client's id as its name
    "given_name": "Jane",
    "email": "janedoe@example.com",
    **TIMES,
}
KEYCLOAK: dict[str, Any] = {
    "auth_time": NOW - 60,
    "jti": "onrtac:4e2f9f5e-0d57-4bf3-8b1e-a2a2eee0f0ad",
    "iss": "https://id.example.com/realms/shop",
    "aud": ["orders-api", "account"],
    "sub": "5f3c2a5e-31a5-4b4e-8d0e-2f9f4a3f5a01",
    "typ": "Bearer",
    "azp": "web-shop",
    "sid": "f1b4c1f4-3c48-4c3c-93a7-8ce0b0a3c4a7",
    "acr": "1",
    "nonce": "of releases before 25",
    "allowed-origins": ["https://shop.example.com"],
    "realm_access": {"roles": ["offline_access", "uma_authorization", "seller"]},
    "resource_access": {
        "orders-api": {"roles": ["refund"]},
        "account": {"roles": ["manage-account", "view-profile"]},
    },
    "scope": "openid email profile",
    "preferred_username": "ada",
    **TIMES,
}
KEYCLOAK_ID: dict[str, Any] = {
    **{name: value for name, value in KEYCLOAK.items() if not name.endswith("_access")},
    "typ": "ID",
    "aud": "orders-api",
    "at_hash": "HpGbdRYBUjJNqDmMZk4iRA",
}


def signed(claims: dict[str, Any], *, typ: str | None = "JWT", kid: str = "1234example=") -> str:
    """A token under RS256, as all four products sign by default, made without gatepass."""
    header = {"kid": kid, "alg": "RS256"} | ({"typ": typ} if typ else {})
    return compact(header, claims, raw_signer("RS256"))


def jwks(**members: Any) -> dict[str, Any]:
    """The key set of a product, whose entry has these members beside the key's own."""
    entry = public_jwk_of(private_key("RS256")) | {"kid": "1234example=", "use": "sig"} | members
    return {"keys": [entry]}
