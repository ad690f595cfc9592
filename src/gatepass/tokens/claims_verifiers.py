"""Chooses an issuer's rules by the `iss` that a token claims, and verifies by these only (pure).

1. The `iss` is read without trust, and only to choose. The chosen verifier checks the signature
   with the keys of its own issuer, and then `iss` again.
2. An `iss` that is not exactly one of the issuers', as a text, is rejected before any key is
   looked at.
"""

from collections.abc import Callable, Sequence
from typing import Final

from gatepass.errors import SettingsRejected, TokenInvalid, TokenMissing
from gatepass.jose import KeySet, inspect
from gatepass.jose.keyset import KeySource, key_source, require_kind
from gatepass.tokens.claims import AccessClaims
from gatepass.tokens.claims_verifier import ClaimsVerifier
from gatepass.tokens.refusals import INVALID
from gatepass.tokens.trusted_issuer import TrustedIssuer

_UNKNOWN: Final = f"{INVALID}: its iss is none of the issuers"


class ClaimsVerifiers:
    """A `ClaimsVerifier` for each issuer."""

    __slots__ = ("_by_issuer", "_max_size")

    def __init__(
        self,
        issuers: Sequence[TrustedIssuer],
        *,
        is_async: bool,
        leeway: float,
        now: Callable[[], float],
        max_size: int,
        remember: int,
    ) -> None:
        if not issuers or not all(isinstance(each, TrustedIssuer) for each in issuers):
            raise SettingsRejected("issuers are one TrustedIssuer or several")
        self._max_size = max_size
        self._by_issuer: dict[str, tuple[TrustedIssuer, ClaimsVerifier]] = {}
        for each in issuers:
            verifier = ClaimsVerifier(
                _source(each, is_async=is_async),
                issuer=each.issuer,
                audience=each.audience,
                audience_claim=each.audience_claim,
                typ=each.typ,
                required_claims=each.required_claims,
                allowed_values=each.allowed_values,
                leeway=leeway,
                now=now,
                max_size=max_size,
                remember=remember // len(issuers),
                make=each.claims,
            )
            if each.issuer in self._by_issuer:
                raise SettingsRejected(f"two issuers have the iss {each.issuer!r}")
            self._by_issuer[each.issuer] = each, verifier

    def open(self, token: str | None, keys: KeySet | None = None) -> AccessClaims:
        """See `ClaimsVerifier.open`."""
        if not token:
            raise TokenMissing
        claims = inspect(token, max_size=self._max_size).claims
        issuer = claims.get("iss")
        known = self._by_issuer.get(issuer) if isinstance(issuer, str) else None
        if known is None:
            raise TokenInvalid(_UNKNOWN if "iss" in claims else f"{INVALID}: its iss is missing")
        rules, verifier = known
        verified = verifier.open(token, keys)
        if rules.any_claim_of and not any(name in verified for name in rules.any_claim_of):
            raise TokenInvalid(f"{INVALID}: it has no {' or '.join(rules.any_claim_of)}")
        return verified

    def forget(self, token: str | None) -> None:
        """See `ClaimsVerifier.forget`."""
        for _, verifier in self._by_issuer.values():
            verifier.forget(token)

    def terms_of(self, claims: AccessClaims) -> ClaimsVerifier:
        """The verifier of these claims' issuer."""
        known = self._by_issuer.get(claims.get("iss", ""))
        if known is None:
            raise TokenInvalid(_UNKNOWN)
        return known[1]


def _source(issuer: TrustedIssuer, *, is_async: bool) -> KeySource:
    keys = issuer.keys
    made = keys(is_async=is_async) if callable(keys) else keys
    source = key_source(made)
    require_kind(source, is_async=is_async)
    return source
