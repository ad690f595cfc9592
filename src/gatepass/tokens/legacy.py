"""Tokens of the library that an application used before, accepted until a date. Pure.

1. `keys` verify them, and no key of gatepass may be among these: a token of the one never passes
   for a token of the other.
2. A reader (`peers.py`, or a function of the application) tells from the claims whether a token is
   an access or a refresh token, and of which subject.
3. Nothing is accepted at `until` or later; an access token ends then at the latest.
4. The identity of a refresh token is its subject and its `jti`, or else the hash of its signing
   input. The id of its session is a hash of the identity, so that one token never opens two
   sessions. `sec` is an HMAC of the identity under the token's signature: neither a database nor
   a refresh key is enough to compute it.
"""

import hashlib
import math
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

from gatepass._maybe_await import settle
from gatepass.errors import (
    GatepassError,
    SettingsRejected,
    TokenExpired,
    TokenInvalid,
    TokenMalformed,
    TokenRevoked,
)
from gatepass.jose import MAX_SIZE, Key, KeySet, KeySource
from gatepass.jose._strict_json import decode_claims
from gatepass.jose.jws import open_compact
from gatepass.jose.keyset import key_source, require_disjoint
from gatepass.tokens.claims import VOUCHED, AccessClaims
from gatepass.tokens.pair import Presented
from gatepass.tokens.peers import PEERS, LegacyToken, ReadLegacy, generation_zero
from gatepass.tokens.policy import (
    MAX_LIFETIME,
    REGISTERED_CLAIMS,
    is_allowed,
    is_plain_text,
    require_names,
)
from gatepass.tokens.refusals import INVALID, is_number, is_refused
from gatepass.tokens.session_claims import SIGN_IN_CLAIMS
from gatepass.tokens.twins import is_coroutine_function

IsDenied = Callable[[Mapping[str, Any]], Awaitable[bool] | bool]
_TYPS: Final = (None, "jwt")
_SHARED: Final = (
    "the legacy keys and gatepass's own share a key: give access_keys and refresh_keys new secrets"
)
_LEFT_OUT: Final = REGISTERED_CLAIMS | SIGN_IN_CLAIMS


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyTokens:
    """The tokens of another library, for `legacy=` of a manager or verifier.

    Raises:
        SettingsRejected: An argument is missing, or of the wrong kind.
        KeyRejected: `keys` are no keys.
    """

    keys: Key | KeySet | KeySource = field(kw_only=False)
    """The keys that may have signed; none of the manager's or verifier's own."""
    until: datetime
    """The end, with a time zone: nothing is accepted then or later."""
    kind: Literal["flask-jwt-extended", "simplejwt", "authx"] | None = None
    """The library, whose claims gatepass knows."""
    read: ReadLegacy | None = None
    """Instead of `kind`: takes the claims of a token, and returns a `LegacyToken` or `None`."""
    subject_claim: str | None = None
    """The claim that names the user, if it is not the library's default."""
    issuer: str | None = None
    """The one `iss`; by default any, as long as a legacy key signed."""
    audience: str | Collection[str] | None = None
    """The texts of which `aud` is or contains one; by default a token with `aud` is rejected."""
    is_denied: IsDenied | None = None
    """Takes the claims of a token; `True` if the library's own denylist has the token."""

    def __post_init__(self) -> None:
        if getattr(key_source(self.keys), "is_async", None) is not None:
            raise SettingsRejected("legacy keys cannot be fetched from an issuer")
        if (self.kind is None) is (self.read is None):
            raise SettingsRejected("LegacyTokens takes either kind= or read=")
        if self.kind is not None and self.kind not in PEERS:
            raise SettingsRejected(f"the kind of legacy tokens is one of {', '.join(PEERS)}")
        if self.subject_claim is not None and self.kind is None:
            raise SettingsRejected("subject_claim goes with kind=; a read function needs none")
        if getattr(self.until, "tzinfo", None) is None:
            raise SettingsRejected(
                "until is a datetime with a time zone, as in tzinfo=timezone.utc"
            )
        if not all(each is None or callable(each) for each in (self.read, self.is_denied)):
            raise SettingsRejected("read and is_denied are functions that take claims")
        if self.audience is not None:
            object.__setattr__(self, "audience", require_names("audience", self.audience))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A legacy token that its keys signed, and that has not expired."""

    subject: str
    token_id: str
    """Its `jti`, or else the hash of its signing input."""
    own_claims: Mapping[str, Any] = field(repr=False)
    """The claims that access tokens keep: none that gatepass sets, or takes for a login's."""
    claims: Mapping[str, Any] = field(repr=False)
    """All claims, for `is_denied`."""
    issued_at: float
    """0 where the token does not say it."""
    expires_at: float
    lifetime_ms: int
    """How long the session lives that the token is exchanged for."""
    presented: Presented
    """The generation of the session that the token stands for: the first."""


def legacy_reader(
    rules: LegacyTokens | None,
    *own: KeySource,
    required_claims: Collection[str],
    allowed_values: Mapping[str, Collection[Any]],
    is_async: bool,
    leeway: float,
    now: Callable[[], float],
) -> "LegacyReader":
    """The reader of a manager or verifier, with its own keys and rules about claims.

    Without `rules` the reader accepts no token.

    Raises:
        KeyRejected: A legacy key is one of those.
        TypeError: `rules` are none, or `is_denied` is a coroutine function in a sync twin.
    """
    if rules is None:
        return LegacyReader(None, leeway=leeway, now=now)
    if not isinstance(rules, LegacyTokens):
        raise TypeError(f"legacy is a LegacyTokens, and not {type(rules).__name__}")
    if not is_async and is_coroutine_function(rules.is_denied):
        raise TypeError("is_denied is a coroutine function: use the async manager or verifier")
    for each in own:
        if getattr(each, "is_async", None) is None:  # keys that are fetched cannot sign
            legacy = key_source(rules.keys).current()
            require_disjoint(legacy, each.current(), _SHARED)
    reader = LegacyReader(rules, leeway=leeway, now=now)
    reader.required = tuple(each for each in required_claims if each not in {"iss", "aud"})
    reader.allowed = dict(allowed_values)
    return reader


class LegacyReader:
    """Verifies legacy tokens, by the clock of a manager or verifier."""

    __slots__ = ("_keys", "_leeway", "_now", "_read", "_rules", "_until", "allowed", "required")
    required: tuple[str, ...]
    """Claims that access tokens must have; `iss` and `aud` are for `LegacyTokens` to check."""
    allowed: Mapping[str, Collection[Any]]
    """For some claims of access tokens all values that are accepted."""

    def __init__(
        self, rules: LegacyTokens | None, *, leeway: float, now: Callable[[], float]
    ) -> None:
        self._leeway = leeway
        self._now = now
        self._until = -math.inf
        if rules is not None:
            self._rules = rules
            self._keys = key_source(rules.keys)
            self._read = _read_of(rules)
            self._until = rules.until.timestamp()

    async def verify(self, token: str | None, ours: GatepassError) -> AccessClaims:
        """The claims of a legacy access token; only a coroutine `is_denied` makes it wait.

        Raises:
            TokenInvalid, TokenExpired: See `open`; or a rule about claims does not hold.
            TokenRevoked: The library's own denylist has the token.
        """
        opened = self.open(token, "access", ours)
        claims = self.claims_of(opened)
        for name in self.required:
            if name not in claims:
                raise TokenInvalid(f"{INVALID}: it has no {name}")
        for name, allowed in self.allowed.items():
            if name in claims and not is_allowed(claims[name], allowed):
                raise TokenInvalid(f"{INVALID}: its {name} is none of those allowed")
        await self.require_allowed(opened)
        return claims

    def claims_of(self, opened: Opened) -> AccessClaims:
        """The claims of an access token. They end by `until` whatever leeway a watch grants."""
        registered = {
            "sub": opened.subject,
            "jti": opened.token_id,
            "iat": opened.issued_at,
            "exp": min(opened.expires_at, self._until - self._leeway),
        }
        return AccessClaims({**opened.own_claims, **registered}, VOUCHED)

    async def require_allowed(self, opened: Opened) -> None:
        """Ask the library's own denylist.

        Raises:
            TokenRevoked: The denylist has the token.
        """
        is_denied = self._rules.is_denied
        if is_denied is not None and is_refused(await settle(is_denied(opened.claims))):
            raise TokenRevoked

    def open(self, token: str | None, kind: str, ours: GatepassError) -> Opened:
        """The content of a legacy token of this kind, `access` or `refresh`.

        Raises:
            GatepassError: `ours`: no legacy key signed the token, or the date has passed.
            TokenInvalid: The token is of another kind, issuer, audience or claim.
            TokenExpired: `exp` has passed.
        """
        now = self._now()
        if token is None or not now < self._until:
            raise ours
        try:
            prepared, payload, _ = open_compact(token, self._keys.current(), MAX_SIZE)
            claims = decode_claims(payload)
        except (TokenInvalid, TokenMalformed):
            raise ours from None
        if prepared.typ not in _TYPS:
            raise ours
        found = self._read(claims)
        if not isinstance(found, LegacyToken) or found.kind != kind:
            raise TokenInvalid(f"{INVALID}: it is no {kind} token of the old library")
        return self._checked(token, claims, found, now)

    def _checked(
        self, token: str, claims: dict[str, Any], found: LegacyToken, now: float
    ) -> Opened:
        expires_at, issued_at, begins = (claims.get(each, 0) for each in ("exp", "iat", "nbf"))
        if not all(map(is_number, (expires_at, issued_at, begins))) or "exp" not in claims:
            raise TokenInvalid(f"{INVALID}: it has no exp, or a time that is not a number")
        if not expires_at > now - self._leeway:
            raise TokenExpired
        if not begins <= now + self._leeway or not self._is_for_us(claims) or "act" in claims:
            raise TokenInvalid(f"{INVALID}: its nbf, iss, aud or act is not accepted")
        signing_input, _, signature = token.rpartition(".")
        token_id = claims.get("jti")
        if token_id is None:
            token_id = hashlib.sha256(signing_input.encode()).hexdigest()
        for text in (found.subject, token_id):
            if not isinstance(text, str) or not is_plain_text(text):
                raise TokenInvalid(f"{INVALID}: its subject or jti is not a text")
        own = {name: each for name, each in found.claims.items() if name not in _LEFT_OUT}
        return Opened(
            subject=found.subject,
            token_id=token_id,
            own_claims=own,
            claims=claims,
            issued_at=issued_at,
            expires_at=expires_at,
            lifetime_ms=max(0, int(min(expires_at - now, MAX_LIFETIME) * 1000)),
            presented=generation_zero(found.subject, token_id, signature),
        )

    def _is_for_us(self, claims: Mapping[str, Any]) -> bool:
        issuer, audience = self._rules.issuer, self._rules.audience
        if issuer is not None and claims.get("iss") != issuer:
            return False
        named = claims.get("aud", [])
        if isinstance(named, str):
            named = [named]
        if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
            return False
        return not named if audience is None else not set(named).isdisjoint(audience)


def _read_of(rules: LegacyTokens) -> ReadLegacy:
    if rules.read is not None:
        return rules.read
    peer = PEERS[str(rules.kind)]
    return replace(peer, subject_claim=rules.subject_claim or peer.subject_claim)
