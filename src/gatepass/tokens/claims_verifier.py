"""Every check of one token up to revocation: signature, type, issuer, audience, claims, time."""

import math
import time
from collections.abc import Callable, Collection, Mapping
from operator import itemgetter
from typing import Any

from gatepass._clock import wall_clock
from gatepass.errors import (
    SettingsRejected,
    TokenError,
    TokenExpired,
    TokenInvalid,
    TokenMalformed,
    TokenMissing,
    TokenRevoked,
)
from gatepass.jose import MAX_SIZE, Key, KeySet, KeySource
from gatepass.jose._malformed import NO_JSON, malformed
from gatepass.jose._strict_json import (
    CLAIMS_DECODER,
    LONG_PAYLOAD,
    PARSE_ERRORS,
    require_short_integers,
)
from gatepass.jose.jws import open_compact
from gatepass.jose.keyset import KeysWanted, key_source
from gatepass.tokens.claims import VOUCHED, AccessClaims, key_of
from gatepass.tokens.policy import (
    freeze_allowed_values,
    is_allowed,
    require_claim_names,
    require_name,
    require_names,
)
from gatepass.tokens.refusals import (
    INVALID,
    IRREVOCABLE,
    is_number,
    is_refused,
    refused_claims,
    refused_typ,
)
from gatepass.tokens.seen import ENDING, SeenTokens
from gatepass.tokens.typ import accepted_typs

_NEVER = -math.inf
_EXACT = 2**53
"""The end of what floats count exactly: a token that holds longer is verified anew from then on."""
_MOST = 2**32
_decode_json = CLAIMS_DECODER.decode


class ClaimsVerifier:
    """Everything about a token that needs no I/O: all checks up to revocation, in their order."""

    __slots__ = (
        "_allowed",
        "_audience",
        "_audience_claim",
        "_audiences",
        "_current",
        "_issuer",
        "_keys",
        "_leeway",
        "_make",
        "_max_size",
        "_now",
        "_require",
        "_seen",
        "_typs",
    )

    def __init__(  # noqa: PLR0913 - keyword-only, one per rule
        self,
        keys: Key | KeySet | KeySource,
        *,
        issuer: str,
        audience: str | Collection[str],
        typ: str | Collection[str | None] | None,
        required_claims: Collection[str],
        allowed_values: Mapping[str, Collection[Any]],
        leeway: float,
        now: Callable[[], float],
        max_size: int = MAX_SIZE,
        remember: int = 0,
        audience_claim: str = "aud",
        make: Callable[[dict[str, Any], Key], AccessClaims] = AccessClaims,
    ) -> None:
        require_name("issuer", issuer)
        self._audiences = require_names("audience", audience)
        self._audience = min(self._audiences)
        """One of them, for the comparison that is enough for most tokens."""
        self._audience_claim = audience_claim
        source = key_source(keys)
        self._current = source.current
        self._keys = source if source.__class__ is KeySet else None  # a set does not change
        self._issuer = issuer
        self._typs = accepted_typs(typ)
        always = ("iss", "sub", "exp", audience_claim)
        names = [each for each in require_claim_names(required_claims) if each not in always]
        self._require: Callable[[dict[str, Any]], object] | None = (
            itemgetter(*names) if names else None
        )
        self._allowed = tuple(freeze_allowed_values(allowed_values).items())
        self._leeway = leeway
        self._make = make
        self._now = None if now is wall_clock else now  # `wall_clock` written out: a call less
        self._max_size = max_size
        self._seen = SeenTokens(remember) if require_bytes(remember) else None

    def open(  # noqa: C901 - the hot path, in one function
        self, token: str | None, keys: KeySet | None = None
    ) -> AccessClaims:
        """The claims of a token that holds at this moment.

        Args:
            token: The token.
            keys: The keys that may have signed, instead of the source's keys of this moment.

        Raises:
            TokenMissing, TokenMalformed, TokenInvalid, TokenExpired: In the order of checks.
            KeysWanted: Keys must be fetched first.
        """
        if not token:
            raise TokenMissing
        if keys is None:
            keys = self._keys
            if keys is None:
                keys = self._current()
        seen = self._seen if token.__class__ is str else None
        if seen is not None:
            ending = token[ENDING:]
            entry = seen.young.get(ending)
            if entry is None and seen.old:
                entry = seen.find_old(ending)
            if entry is not None and entry[0] == token and entry[1] is keys:
                now = time.time() if self._now is None else self._now()
                if entry[2] > now and entry[3] <= now:
                    return entry[4]
        verified = self.open_any_time(token, keys)
        claims = verified._claims  # noqa: SLF001 - the hot path: `dict_of` is a call
        ends, begins = claims["exp"] + self._leeway, claims.get("nbf", _NEVER) - self._leeway
        now = time.time() if self._now is None else self._now()
        if not ends > now:  # so that a clock of NaN lets nobody in
            raise TokenExpired
        if not begins <= now:
            raise TokenInvalid(f"{INVALID}: it is not valid yet (nbf)")
        if seen is not None:
            mark = hash(ending)  # only to notice that it comes again; the text is compared whole
            index = mark & seen.mask
            if seen.once[index] == mark:
                seen.keep((token, keys, float(min(ends, _EXACT)), begins, verified))
            else:
                seen.once[index] = mark
        return verified

    def open_any_time(self, token: str | None, keys: KeySet | None = None) -> AccessClaims:
        """`open` of a token that may have expired, or is not valid yet."""
        if not token:
            raise TokenMissing
        if keys is None:
            keys = self._current()
        try:
            prepared, payload, key = open_compact(token, keys, self._max_size)
        except TokenMalformed:
            raise TokenMalformed(malformed(token, self._max_size)) from None
        if prepared.typ not in self._typs:
            raise TokenInvalid(refused_typ(self._typs))
        try:
            if len(payload) > LONG_PAYLOAD:
                require_short_integers(payload)
            claims: dict[str, Any] = _decode_json(payload)
            issuer, audience = claims["iss"], claims[self._audience_claim]
            subject, expires_at = claims["sub"], claims["exp"]
            if self._require is not None:
                self._require(claims)
        except KeyError as missing:
            raise TokenInvalid(f"{INVALID}: it has no {missing.args[0]}") from None
        except PARSE_ERRORS:
            raise TokenMalformed(NO_JSON) from None
        get = claims.get
        not_before = get("nbf", _NEVER)
        if (
            issuer != self._issuer
            or (audience != self._audience and not self._is_for_us(audience))
            or (self._allowed and not self._has_allowed_values(claims))
            or subject.__class__ is not str
            or (expires_at.__class__ is not int and not is_number(expires_at))
            or (get("iat", 0).__class__ is not int and not is_number(claims["iat"]))
            or (not_before is not _NEVER and not is_number(not_before))
            or get("jti", "").__class__ is not str
            or get("sid", "").__class__ is not str
        ):
            audiences = (self._audience_claim, self._audiences)
            raise TokenInvalid(refused_claims(claims, self._issuer, audiences, self._allowed))
        return self._make(claims, key)

    def forget(self, token: str | None) -> None:
        """Have the token verified from the start when it comes again."""
        if self._seen is not None and token is not None:
            self._seen.forget(token)

    def terms_of(self, _: AccessClaims) -> "ClaimsVerifier":
        """The verifier of these claims."""
        return self

    def keys(self) -> KeySet | Callable[[], Any]:
        """See `Terms.keys`."""
        try:
            return self._current()
        except KeysWanted as wanted:
            return wanted.fetch

    def horizon(self) -> float:
        """See `Terms.horizon`."""
        now = wall_clock if self._now is None else self._now
        return now() - self._leeway

    def refusal(self, claims: AccessClaims, keys: KeySet | None) -> TokenError | None:
        """See `Terms.refusal`."""
        if not (claims.session_id or claims.token_id):
            return TokenInvalid(IRREVOCABLE)
        if not claims.expires_at > self.horizon():
            return TokenExpired()
        key = key_of(claims)
        if (
            keys is None
            or key is VOUCHED
            or (
                key is not ...
                and any(
                    each.algorithm == key.algorithm and each.is_same_key(key) for each in keys.keys
                )
            )
        ):
            return None
        return TokenInvalid(f"{INVALID}: its key is accepted no longer")

    def require(self, claims: AccessClaims) -> None:
        """See `Terms.require`."""
        refusal = self.refusal(claims, self._current())
        if refusal is not None:
            raise refusal

    def require_live(self, verdict: object) -> None:
        """See `Terms.require_live`."""
        if verdict is not False and is_refused(verdict):
            raise TokenRevoked

    def _is_for_us(self, audience: object) -> bool:
        """Whether it is one of our audiences, or a list that names one (RFC 7519 §4.1.3)."""
        if isinstance(audience, str):
            return audience in self._audiences
        return (
            isinstance(audience, list)
            and all(isinstance(each, str) for each in audience)
            and not self._audiences.isdisjoint(audience)
        )

    def _has_allowed_values(self, claims: dict[str, Any]) -> bool:
        return all(
            is_allowed(claims[name], allowed) for name, allowed in self._allowed if name in claims
        )


def require_bytes(remember: object) -> int:
    """Reject a size of the memory that is no whole number of bytes from 0 to 4 GiB."""
    if not isinstance(remember, int) or isinstance(remember, bool) or not 0 <= remember <= _MOST:
        raise SettingsRejected("remember is a number of bytes, 0 or more, up to 4 GiB")
    return remember
