"""Legacy tokens: the rules, and verifiers that need no store."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gatepass import AccessClaims, LegacyTokens, TokenVerifier
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
    parts: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "now": lambda: NOW}
    return TokenVerifier(OWN.public(), **(parts | {"legacy": rules()} | options)).verify(token)


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
