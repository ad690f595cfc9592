"""Issuing tokens without a store or a session: service tokens and one-purpose tokens."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from gatepass._clock import wall_clock
from gatepass.errors import ClaimsRejected
from gatepass.jose import MAX_SIZE, Key, KeySet, KeySource
from gatepass.jose.jws import sign_with
from gatepass.jose.keyset import require_lifetime, signing_source
from gatepass.sessions import new_id
from gatepass.tokens.policy import (
    TOKEN_CLAIMS,
    Seconds,
    require_name,
    require_own_claims,
    require_subject,
    whole_seconds,
)
from gatepass.tokens.typ import ACCESS_TYP, require_verifiable_typ

_MAX_LIFETIME = 10 * 366 * 86400


class TokenIssuer:
    """Issues tokens of one type for one audience; `TokenVerifier` with that type takes them."""

    __slots__ = ("_audience", "_issuer", "_lifetime", "_now", "_source", "_typ")

    def __init__(
        self,
        keys: Key | KeySet | KeySource,
        *,
        issuer: str,
        audience: str,
        lifetime: Seconds,
        typ: str | None = ACCESS_TYP,
        now: Callable[[], float] = wall_clock,
    ) -> None:
        """Take the keys and the claims of the tokens.

        Args:
            keys: The key that signs; of a set its primary.
            issuer: `iss`.
            audience: `aud`.
            lifetime: A timedelta or whole seconds, at least 1.
            typ: The type, e.g. "password-reset+jwt"; a token is accepted for no other.
            now: The clock, in seconds since 1970.

        Raises:
            KeyRejected: The primary key cannot sign, or not for tokens that live as long.
            SettingsRejected: A value is out of bounds.
        """
        require_name("issuer", issuer)
        require_name("audience", audience)
        require_verifiable_typ(typ)
        self._source = signing_source(keys)
        self._issuer = issuer
        self._audience = audience
        self._lifetime = whole_seconds("lifetime", lifetime, 1, _MAX_LIFETIME)
        require_lifetime(self._source, self._lifetime)
        self._typ = typ
        self._now = now

    def issue(self, subject: str, claims: Mapping[str, Any] | None = None) -> str:
        """A signed token about the subject, with `iss aud sub iat exp jti` and these claims.

        Raises:
            ClaimsRejected: The claims have a registered name or no JSON form, or are too large.
        """
        subject = require_subject(subject)
        issued_at = int(self._now())
        registered = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "iat": issued_at,
            "exp": issued_at + self._lifetime,
            "jti": new_id(subject, secrets.token_bytes(16)),
        }
        if claims is not None:
            require_own_claims(claims, TOKEN_CLAIMS)
            registered.update(claims)
        return sign_claims(self._source.current(), registered, self._typ)


def sign_claims(keys: KeySet, claims: Mapping[str, Any], typ: str | None) -> str:
    """The token of these claims.

    Raises:
        ClaimsRejected: Verifiers would reject the token for its size.
    """
    token = sign_with(keys.primary, claims, typ)
    if len(token) > MAX_SIZE:
        raise ClaimsRejected(f"the claims make a token of more than {MAX_SIZE} characters")
    return token
