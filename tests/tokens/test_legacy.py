"""Legacy tokens: the rules, and verifiers that need no store."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from gatepass import AccessClaims, AsyncTokenVerifier, LegacyTokens, TokenVerifier
from gatepass.errors import (
    KeyRejected,
    SettingsRejected,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
)
from gatepass.jose import SigningKey
from gatepass.remote import RemoteKeySet
from gatepass.stores.memory import MemoryStore
from gatepass.tokens import TrustedIssuer
from tests.attacks.legacy import KEY, legacy, rules
from tests.attacks.target import AUDIENCE, ISSUER, NOW

EXPIRED = NOW + 30 * 86_400
OWN = SigningKey.generate("ES256")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": None}, "either kind= or read="),
        ({"read": dict.get}, "either kind= or read="),
        ({"kind": "pyjwt"}, "flask-jwt-extended, authx, simplejwt"),
        ({"until": datetime(2027, 1, 1)}, "time zone"),  # noqa: DTZ001
        ({"until": None}, "time zone"),
        ({"until": "2027-01-01"}, "time zone"),
        ({"is_denied": "redis"}, "functions"),
        ({"kind": None, "read": "json"}, "functions"),
        ({"audience": []}, "audience"),
        ({"kind": None, "read": dict.get, "subject_claim": "id"}, "subject_claim"),
        ({"keys": RemoteKeySet("https://id.example/jwks")}, "fetched"),
    ],
)
def test_rules_are_checked_when_they_are_written_down(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsRejected, match=message):
        rules(**options)


def verify(token: str, **options: Any) -> AccessClaims:
    return TokenVerifier(OWN.public(), **(parts() | options)).verify(token)


async def averify(token: str, **options: Any) -> AccessClaims:
    return await AsyncTokenVerifier(OWN.public(), **(parts() | options)).verify(token)


def parts() -> dict[str, Any]:
    names = {"issuer": ISSUER, "audience": AUDIENCE}
    return names | {"now": lambda: NOW, "legacy": rules()}


def test_a_verifier_accepts_legacy_access_tokens_until_they_expire() -> None:
    long = rules(until=datetime(2100, 1, 1, tzinfo=UTC))

    assert verify(legacy("access")).subject == "alice"
    with pytest.raises(TokenInvalid, match="no access token"):
        verify(legacy())
    with pytest.raises(TokenExpired):
        verify(legacy("access"), now=lambda: EXPIRED, legacy=long)
    assert verify(legacy("access"), now=lambda: EXPIRED, legacy=long, leeway=1)


def test_a_verifier_asks_its_source_of_revocations() -> None:
    store = MemoryStore()
    claims = verify(legacy("access"), revocations=store)
    store.revoke_token(str(claims.token_id), lifetime_ms=1000)

    with pytest.raises(TokenRevoked):
        verify(legacy("access"), revocations=store)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"required_claims": ["tenant"]}, "no tenant"),
        ({"required_claims": ["sid"]}, "no sid"),
        ({"allowed_values": {"role": ["user"]}}, "role is none of those allowed"),
        ({"allowed_values": {"sub": ["bob"]}}, "sub is none of those allowed"),
    ],
)
def test_a_verifier_demands_the_claims_that_it_demands_of_ours(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TokenInvalid, match=message):
        verify(legacy("access"), **options)
    with pytest.raises(TokenInvalid, match=message):
        asyncio.run(averify(legacy("access"), **options))


def test_claims_that_a_verifier_allows_pass() -> None:
    options = {"required_claims": ["iss", "aud", "role"], "allowed_values": {"role": ["admin"]}}

    assert verify(legacy("access"), **options).roles == {"admin"}


def test_the_keys_of_a_verifier_are_no_legacy_keys() -> None:
    with pytest.raises(KeyRejected, match="legacy keys"):
        TokenVerifier(KEY, issuer=ISSUER, audience=AUDIENCE, legacy=rules())
    fetched = RemoteKeySet("https://id.example/jwks")  # they cannot be compared
    TokenVerifier(fetched, issuer=ISSUER, audience=AUDIENCE, legacy=rules())


def test_a_verifier_of_several_issuers_accepts_no_legacy_token() -> None:
    issuer = TrustedIssuer(issuer=ISSUER, keys=OWN.public(), audience=AUDIENCE)

    with pytest.raises(TokenInvalid):
        TokenVerifier.for_issuers(issuer).verify(legacy("access"))


def test_rules_show_no_key() -> None:
    assert "mY7q" not in repr(rules())
    assert isinstance(rules(), LegacyTokens)
