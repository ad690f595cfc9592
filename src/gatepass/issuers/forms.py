"""Makes the `TrustedIssuer` of a product, after the form of access tokens that it publishes.

Each accepts access tokens only. An ID token is a message to the client that the user logs in
to, says nothing about what that client may do here, and is signed by the same keys.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, Unpack

from gatepass.errors import SettingsRejected
from gatepass.jose import KeySource
from gatepass.remote import AsyncRemoteKeySet, RemoteKeySet
from gatepass.remote.keysets import Options
from gatepass.tokens import TrustedIssuer
from gatepass.tokens.trusted_issuer import ClaimPath, MakeKeys

_POOL: Final = re.compile(r"([a-z]{2}(?:-[a-z]+)+-[0-9]+)_[0-9A-Za-z]+")
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOST: Final = re.compile(r"(?:[0-9a-z](?:[0-9a-z-]*[0-9a-z])?\.)+[a-z]+")
_REALM: Final = re.compile(r"https?://[^?#]+/realms/[^/?#]+")
_JWT: Final = (None, "at+jwt")
_OF_ID_TOKENS: Final[Mapping[str, tuple[str, ...]]] = {"nonce": (), "at_hash": (), "c_hash": ()}
"""Claims of ID tokens (OpenID Connect Core §2 and §3.3.2.11), which no access token here has."""


def cognito(
    user_pool_id: str,
    *,
    client_id: str | Collection[str],
    audience: str | Collection[str] = (),
    multi_region: bool = False,
    **options: Unpack[Options],
) -> TrustedIssuer:
    """A user pool of Amazon Cognito, whose groups are the roles.

    Args:
        user_pool_id: The pool's id, which begins with its region, e.g. "eu-west-1_Ab1Cd2Ef3".
        client_id: The app clients whose tokens are accepted: there need not be an `aud`.
        audience: The values of `aud` that are accepted, if the app client asks for tokens of one
            API (resource binding). Without it a token with `aud` is for another API.
        multi_region: Whether the pool has the updated issuer, for several regions.
        options: See `RemoteKeySet`.

    Raises:
        SettingsRejected: A value is not of its form.
    """
    region = _match(_POOL, "user_pool_id", user_pool_id, 'e.g. "eu-west-1_Ab1Cd2Ef3"')[1]
    service = "issuer-cognito-idp" if multi_region else "cognito-idp"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    issuer = f"https://{service}.{region}.{domain}/{user_pool_id}"
    bound_to = (audience,) if isinstance(audience, str) else audience
    return TrustedIssuer(
        issuer=issuer,
        keys=_keys(f"{issuer}/.well-known/jwks.json", "RS256", options),
        audience=client_id,
        audience_claim="client_id",
        typ=_JWT,
        required_claims=("token_use",),
        allowed_values={"token_use": ("access",), "aud": bound_to},
        roles=("cognito:groups",),
    )


def entra(
    tenant_id: str,
    *,
    audience: str | Collection[str],
    version: Literal[1, 2] = 2,
    **options: Unpack[Options],
) -> TrustedIssuer:
    """A tenant of Microsoft Entra ID; app roles are the roles, `scp` holds the scopes.

    Args:
        tenant_id: The tenant's GUID; names like "common" stand for many issuers.
        audience: Your API's client id, or of version 1 perhaps its URI ("api://…").
        version: The version of the access tokens that your API's registration asks for
            (`requestedAccessTokenVersion`).
        options: See `RemoteKeySet`.

    Raises:
        SettingsRejected: A value is not of its form.
    """
    _match(_GUID, "tenant_id", tenant_id, 'the GUID of one tenant in lower case, not "common"')
    if version not in (1, 2):
        raise SettingsRejected("version is 1 or 2")
    is_first = version == 1
    at = f"https://login.microsoftonline.com/{tenant_id}"
    return TrustedIssuer(
        issuer=f"https://sts.windows.net/{tenant_id}/" if is_first else f"{at}/v2.0",
        keys=_keys(f"{at}/discovery/{'' if is_first else 'v2.0/'}keys", "RS256", options),
        audience=audience,
        typ=_JWT,
        required_claims=("ver", "appid" if is_first else "azp"),  # the client: not in ID tokens
        allowed_values={"ver": ("1.0" if is_first else "2.0",), **_OF_ID_TOKENS},
        scopes=("scp",),
        roles=("roles",),
    )


def auth0(
    domain: str,
    *,
    audience: str | Collection[str],
    roles: ClaimPath = "permissions",
    **options: Unpack[Options],
) -> TrustedIssuer:
    """A tenant of Auth0, in both of its access token profiles.

    Args:
        domain: The tenant's host, e.g. "example.eu.auth0.com", or your own domain for it.
        audience: The identifier of your API.
        roles: The claim that holds the roles: by default the permissions that RBAC adds.
        options: See `RemoteKeySet`.

    Raises:
        SettingsRejected: A value is not of its form.
    """
    _match(_HOST, "domain", domain, 'a host in lower case, e.g. "example.eu.auth0.com"')
    return TrustedIssuer(
        issuer=f"https://{domain}/",
        keys=_keys(f"https://{domain}/.well-known/jwks.json", "RS256", options),
        audience=audience,
        typ=_JWT,
        any_claim_of=("azp", "client_id"),  # of the Auth0 and the RFC 9068 profile
        allowed_values=_OF_ID_TOKENS,
        roles=(roles,),
    )


def keycloak(
    realm_url: str,
    *,
    audience: str | Collection[str],
    roles_of_client: str | None = None,
    jwks_url: str | None = None,
    **options: Unpack[Options],
) -> TrustedIssuer:
    """A realm of Keycloak; its realm roles are the roles.

    Args:
        realm_url: The realm's address, e.g. "https://id.example.com/realms/shop".
        audience: The text that an audience mapper writes into `aud` for your API.
        roles_of_client: Take the roles that this client defines, and not those of the realm.
        jwks_url: Another address of the realm's keys, e.g. inside a cluster.
        options: See `RemoteKeySet`.

    Raises:
        SettingsRejected: A value is not of its form.
    """
    _match(_REALM, "realm_url", realm_url, 'e.g. "https://id.example.com/realms/shop", without /')
    certificates = f"{realm_url}/protocol/openid-connect/certs"
    client_roles = ("resource_access", str(roles_of_client), "roles")
    return TrustedIssuer(
        issuer=realm_url,
        keys=_keys(certificates if jwks_url is None else jwks_url, None, options),
        audience=audience,
        typ=_JWT,
        required_claims=("typ",),
        allowed_values={"typ": ("Bearer",)},
        roles=(("realm_access", "roles") if roles_of_client is None else client_roles,),
    )


def _keys(url: str, algorithm: str | None, options: Options) -> MakeKeys:
    """Makes the source of the keys, in the version that the verifier needs."""
    taken: Options = {"algorithm": algorithm, **options}

    def keys(*, is_async: bool) -> KeySource:
        return AsyncRemoteKeySet(url, **taken) if is_async else RemoteKeySet(url, **taken)

    return keys


def _match(pattern: re.Pattern[str], name: str, value: Any, form: str) -> re.Match[str]:
    found = pattern.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise SettingsRejected(f"{name} is {form}")
    return found
