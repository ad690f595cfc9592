"""Opaque access tokens of a manager: what a store records, and the claims that it vouches for.

1. The hash is keyed with a secret out of the refresh key, for this issuer and audience. So write
   access to the store makes no token, and another service over the same store does not find it.
   A token under a former refresh key is found as long as that key is accepted.
2. The store's clock decides whether a token has expired, and no leeway is added. Its answer is the
   only check of revocation: no replica takes part.
3. A token that the store does not know counts as expired. It was purged after its end, or lost in
   a fail-over, or is a guess; in the first two cases a refresh helps.
4. The claims are those of the session's row at this moment, checked by the policy of today.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gatepass.errors import ClaimsRejected, TokenExpired, TokenInvalid, TokenMalformed, TokenRevoked
from gatepass.jose import KeySet, KeySource, VerificationKey
from gatepass.jose._malformed import MALFORMED
from gatepass.sessions import OpaqueFact, OpaqueKind, OpaquePlan, Session, new_id
from gatepass.tokens.claims import VOUCHED, AccessClaims
from gatepass.tokens.claims_verifier import ClaimsVerifier
from gatepass.tokens.opaque import ACCESS_PREFIX, KEY_PREFIX, RANDOM_BYTES, hash_id, new_text
from gatepass.tokens.pair import registered_claims
from gatepass.tokens.policy import REGISTERED_CLAIMS, TokenPolicy, require_claims
from gatepass.tokens.refusals import INVALID

_PURPOSE: Final = b"gatepass opaque "
WRONG_FORM: Final = (
    f"{MALFORMED}: it begins as an opaque token does, and its length or its checksum is wrong"
)
UNKNOWN: Final = OpaqueFact(kind=OpaqueKind.UNKNOWN)
_NOT_THERE: Final = "the token has expired, or its store never had it or has lost it"
_IS_KEY: Final = "this is an API key, which verify_key checks, and verify never accepts"
_NO_JWT: Final = (
    "the token has expired: it is a JWT, and this manager accepts opaque tokens only "
    "(jwt_until is the time until which it accepts JWTs beside them)"
)


@dataclass(frozen=True, slots=True)
class NewOpaque:
    """A new token: its text for the client, and the plan for the store, without that text."""

    text: str = field(repr=False)
    plan: OpaquePlan


class OpaqueAccess:
    """Plans and conclusions for the opaque access tokens of one policy."""

    __slots__ = (
        "_access_s",
        "_derived",
        "_jwts",
        "_now",
        "_policy",
        "_purpose",
        "_random",
        "_refresh_keys",
        "_session_s",
    )

    def __init__(
        self,
        policy: TokenPolicy,
        jwts: ClaimsVerifier,
        *,
        refresh_keys: KeySource,
        access_s: int,
        session_s: int,
        now: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._policy = policy
        self._jwts = jwts
        self._access_s = access_s
        self._session_s = session_s
        self._now = now
        self._random = random
        self._refresh_keys = refresh_keys
        self._purpose = _PURPOSE + msgspec.json.encode((policy.issuer, policy.audience))
        self._derived: tuple[KeySet | None, tuple[bytes, ...]] = None, ()

    def plan(self, session: Session | None) -> NewOpaque | None:
        """A new token of this session; `None` if access tokens are JWTs, or there is no session."""
        if session is None or self._policy.access_format != "opaque":
            return None
        text = new_text(ACCESS_PREFIX, session.subject, self._random(RANDOM_BYTES))
        left_s = session.began + self._session_s - int(self._now())
        plan = OpaquePlan(
            opaque_id=self._ids(text)[0],
            token_id=new_id(session.subject, self._random(16)),
            session_id=session.session_id,
            lifetime_ms=max(0, min(self._access_s, left_s)) * 1000,
        )
        return NewOpaque(text, plan)

    def find_ids(self, token: object) -> list[str]:
        """The keys of which the store has this text under one; none: it is no opaque access token.

        There is one for each refresh key, the primary's first.

        Raises:
            TokenMalformed: The text begins as one, and its length or its checksum is wrong.
        """
        if not isinstance(token, str) or not token.startswith(ACCESS_PREFIX):
            return []
        return self._ids(token)

    def require_ids(self, token: object, malformed: TokenMalformed) -> list[str]:
        """`find_ids` of a text that is no JWT; raises `malformed` if it is no token at all."""
        opaque_ids = self.find_ids(token)
        if not opaque_ids:
            if isinstance(token, str) and token.startswith(KEY_PREFIX):
                raise TokenMalformed(_IS_KEY)
            raise malformed
        return opaque_ids

    def open(self, token: str | None) -> AccessClaims:
        """The claims of a JWT, as long as JWTs are accepted beside opaque tokens.

        Raises:
            TokenMalformed: The token is an opaque one, or no token at all.
            TokenExpired: Its `exp` has passed, or `jwt_until`; a refresh answers with an opaque
                token.
            TokenMissing, TokenInvalid: As `ClaimsVerifier.open`.
        """
        if isinstance(token, str) and token.startswith(ACCESS_PREFIX):
            raise TokenMalformed  # before any key is looked up
        claims = self._jwts.open(token)
        until = self._policy.jwt_until
        if until is None or not self._now() < until.timestamp():
            raise TokenExpired(_NO_JWT)
        return claims

    def conclude(self, fact: OpaqueFact) -> AccessClaims:
        """The claims of a token that the store answered with.

        Raises:
            TokenExpired: The token has expired, or the store does not know it.
            TokenRevoked: The token or its session was revoked, or the session is gone.
            TokenInvalid: The policy demands claims that the session does not have.
        """
        if fact.kind is OpaqueKind.REVOKED:
            raise TokenRevoked
        token = fact.token
        if fact.kind is not OpaqueKind.LIVE or token is None:
            raise TokenExpired(_NOT_THERE if fact.kind is OpaqueKind.UNKNOWN else None)
        session = token.session
        claims = registered_claims(
            self._policy,
            session,
            token.token_id,
            token.issued_ms // 1000,
            token.ends_ms // 1000,
        )
        own = session.claims
        claims |= {name: value for name, value in own.items() if name not in REGISTERED_CLAIMS}
        try:
            require_claims(self._policy, claims)
        except ClaimsRejected as rejected:
            raise TokenInvalid(f"{INVALID}: {rejected}") from None
        return AccessClaims(claims, VOUCHED)

    def session_of(self, fact: OpaqueFact) -> Session:
        """The session of a token that may have expired or been revoked.

        Raises:
            TokenExpired, TokenRevoked: The store does not know the token or its session any more.
        """
        if fact.token is not None:
            return fact.token.session
        raise TokenRevoked if fact.kind is OpaqueKind.REVOKED else TokenExpired(_NOT_THERE)

    def _ids(self, text: str) -> list[str]:
        found = [hash_id(ACCESS_PREFIX, text, secret) for secret in self._secrets()]
        opaque_ids = [each for each in found if each is not None]
        if not opaque_ids:
            raise TokenMalformed(WRONG_FORM)
        return opaque_ids

    def _secrets(self) -> tuple[bytes, ...]:
        """The secret of each refresh key; derived anew when the keys have changed."""
        keys, secrets = self._derived
        current = self._refresh_keys.current()
        if current is not keys:
            secrets = tuple(
                key.derive(self._purpose)
                for key in current.keys
                if not isinstance(key, VerificationKey)
            )
            self._derived = current, secrets
        return secrets
