"""API keys of a manager: plans for the store, and the claims that a key stands for. Pure.

1. A key is a session of the kind "key" with one opaque token. Both end at the same time, no refresh
   token exists, and `sid` and `jti` are the key's id.
2. The hash covers issuer and audience, as that of opaque access tokens does.
3. The claims are those of the subject at this moment, as `load_claims` returns them, and `scope`:
   the scopes of the key, without those that `load_claims` does not grant any more. No `scope` of
   `load_claims` grants none to a key that its user issued (`bound`), and all to another one.
4. A key says nothing about a login: it has no `auth_time`, no `act`, `amr` and `acr`.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from gatepass.errors import (
    ClaimsRejected,
    SettingsRejected,
    SubjectDisabled,
    SubjectEpochChanged,
    TokenExpired,
    TokenMalformed,
    TokenMissing,
    TokenRevoked,
)
from gatepass.jose._strict_json import decode_claims
from gatepass.sessions import IssuePlan, OpaqueFact, OpaqueKind, OpaqueToken, Session, new_id
from gatepass.sessions.session import KEY_SEC_HASH
from gatepass.tokens.claims import VOUCHED, AccessClaims, KeyClaims, texts_in
from gatepass.tokens.opaque import KEY_PREFIX, RANDOM_BYTES, hash_id, new_text
from gatepass.tokens.pair import registered_claims
from gatepass.tokens.policy import (
    MAX_CLAIMS_SIZE,
    MAX_LIFETIME,
    Seconds,
    TokenPolicy,
    require_subject,
    require_text,
    whole_seconds,
)
from gatepass.tokens.session_claims import SIGN_IN_CLAIMS, merge_claims

MAX_KEYS: Final = 1_000
"""Live keys of one subject; a further one ends the oldest, as with `max_sessions`."""
NOTED_MS: Final = 60_000
"""How old the last use of a key in the store may be."""

_WRONG_FORM: Final = "the API key is malformed: it was cut off or mistyped"
_NOT_YOURS: Final = (
    "a caller can give a key only scopes that its own token has in the claim scope: to grant "
    "others, check that the caller may have them, and pass the subject instead of the claims"
)
_UNKNOWN: Final = "the API key has expired, or its store never had it or has lost it"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A new API key. Nothing else holds its text: show it once."""

    key: str = field(repr=False)
    key_id: str
    """By this id it is listed and revoked."""
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A live API key in a list; it is known by its id, and nobody can tell its text."""

    key_id: str
    subject: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    """Up to a minute earlier than it was; `None`: the key was never used."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key: its text for the caller, and the plan for the store, without that text."""

    text: str = field(repr=False)
    plan: IssuePlan


class ApiKeys:
    """Plans and conclusions for the API keys of one policy."""

    def __init__(
        self, policy: TokenPolicy, *, now: Callable[[], float], random: Callable[[int], bytes]
    ) -> None:
        self._policy = policy
        self._access_s = whole_seconds("access_lifetime", policy.access_lifetime, 1, MAX_LIFETIME)
        self._now = now
        self._random = random
        names = msgspec.json.encode((policy.issuer, policy.audience))
        self._context = hashlib.sha256(names).digest()

    def plan(
        self,
        owner: AccessClaims | str,
        name: str,
        scopes: Collection[str],
        expires: Seconds | datetime,
        *,
        epoch: int | None,
        loaded: bool,
    ) -> NewKey:
        """A key of this subject, or of the caller with these claims.

        Raises:
            ClaimsRejected: The caller may issue no such key, or a value is out of bounds.
            SettingsRejected: The lifetime is out of bounds.
        """
        subject = require_owner(owner)
        granted = require_scopes(scopes)
        if isinstance(owner, AccessClaims) and not granted <= owner.scopes:
            raise ClaimsRejected(_NOT_YOURS)
        claims = {"scope": " ".join(sorted(granted))}
        bound = {"bound": True} if isinstance(owner, AccessClaims) else {}
        claims_json = msgspec.json.encode(claims | bound)
        if len(claims_json) > MAX_CLAIMS_SIZE:
            raise ClaimsRejected(f"the scopes take more than {MAX_CLAIMS_SIZE} bytes of JSON")
        if not loaded:
            merge_claims(self._policy, claims, {})  # else no check would accept the key
        now = self._now()
        text = new_text(KEY_PREFIX, subject, self._random(RANDOM_BYTES))
        lifetime_ms = _lifetime(expires, now) * 1000
        plan = IssuePlan(
            session_id=new_id(subject, self._random(16)),
            subject=subject,
            client_id=self._policy.client_id,
            device=require_text("name", name),
            auth_time=int(now),
            claims_json=claims_json,
            sec_hash=KEY_SEC_HASH,
            refresh_lifetime_ms=lifetime_ms,
            session_lifetime_ms=lifetime_ms,
            access_lifetime_ms=self._access_s * 1000,
            epoch=epoch,
            max_sessions=MAX_KEYS,
            opaque_id=self.find_id(text),
        )
        return NewKey(text, plan)

    def conclude_issue(self, new: NewKey, session: Session | None) -> IssuedKey:
        """The key, after the store has it."""
        if session is None:
            raise SubjectEpochChanged
        return IssuedKey(key=new.text, key_id=session.session_id, expires_at=_when(session.ends_ms))

    def find_id(self, key: object) -> str:
        """The id under which the store has this text.

        Raises:
            TokenMissing: There is no key.
            TokenMalformed: The text is no API key, or was mistyped.
        """
        if key is None or key == "":
            raise TokenMissing
        found = hash_id(KEY_PREFIX, key, self._context) if isinstance(key, str) else None
        if found is None:
            raise TokenMalformed(_WRONG_FORM)
        return found

    def require_live(self, fact: OpaqueFact) -> OpaqueToken:
        """The key that the store answered with.

        Raises:
            TokenExpired: The key has expired, or the store does not know it.
            TokenRevoked: The key was revoked.
        """
        if fact.kind is OpaqueKind.REVOKED:
            raise TokenRevoked
        if fact.kind is not OpaqueKind.LIVE or fact.token is None:
            raise TokenExpired(_UNKNOWN if fact.kind is OpaqueKind.UNKNOWN else None)
        return fact.token

    def is_to_note(self, token: OpaqueToken) -> bool:
        """Whether the store is to note that the key was used."""
        used_ms = token.session.last_used_ms
        never = used_ms == token.session.created_ms
        return never or abs(int(self._now() * 1000) - used_ms) >= NOTED_MS

    def conclude(
        self, token: OpaqueToken, claims: Mapping[str, Any] | None, *, loaded: bool
    ) -> KeyClaims:
        """The claims of a live key; `claims` count only if they were loaded.

        Raises:
            SubjectDisabled: `load_claims` returned `None`.
            ClaimsRejected: `load_claims` returned claims that the policy rejects.
        """
        if loaded and claims is None:
            raise SubjectDisabled
        own = {name: value for name, value in (claims or {}).items() if name not in SIGN_IN_CLAIMS}
        scopes = _scopes_of(token.session)
        if "scope" in own or (loaded and token.session.claims.get("bound")):
            scopes &= texts_in(own.get("scope"), split=True)
        own["scope"] = " ".join(sorted(scopes))
        registered = registered_claims(
            self._policy,
            token.session,
            token.token_id,
            token.issued_ms // 1000,
            token.ends_ms // 1000,
        )
        del registered["auth_time"]
        return KeyClaims(registered | decode_claims(merge_claims(self._policy, own, {})), VOUCHED)


def describe(session: Session) -> ApiKey:
    """A key as it is listed."""
    used_ms = session.last_used_ms
    return ApiKey(
        key_id=session.session_id,
        subject=session.subject,
        name=session.device or "",
        scopes=tuple(sorted(_scopes_of(session))),
        created_at=_when(session.created_ms),
        expires_at=_when(session.ends_ms),
        last_used_at=None if used_ms == session.created_ms else _when(used_ms),
    )


def require_owner(owner: AccessClaims | str) -> str:
    """The subject of a new key.

    Raises:
        ClaimsRejected: The caller has a key itself, acts for somebody else, or has no session.
    """
    if not isinstance(owner, AccessClaims):
        return require_subject(owner)
    if owner.kind == "key":
        raise ClaimsRejected("a key issues no keys")
    if "act" in owner:
        raise ClaimsRejected("a token with act issues no keys")
    if owner.session_id is None:
        raise ClaimsRejected("a token without a session (sid) issues no keys")
    return owner.subject


def require_scopes(scopes: object) -> frozenset[str]:
    """The scopes of a key; `()` is a key without any.

    Raises:
        ClaimsRejected: The value is no collection of single words.
    """
    if isinstance(scopes, (list, tuple, set, frozenset)) and all(
        isinstance(each, str)
        and len(each.split()) == 1
        and each == each.strip()
        and "\0" not in each
        for each in scopes
    ):
        return frozenset(require_text("a scope", each) for each in scopes)
    raise ClaimsRejected("scopes is a collection of words, as in ('reports:read',); () is none")


def require_key_id(key_id: object) -> str:
    """The id of a key; the text of one is rejected.

    Raises:
        ClaimsRejected: The value is no id.
    """
    if isinstance(key_id, str) and key_id.startswith(KEY_PREFIX):
        raise ClaimsRejected("a key is revoked by its id (key_id), not by its text")
    return require_text("key_id", key_id)


def _lifetime(expires: Seconds | datetime, now: float) -> int:
    if isinstance(expires, datetime):
        if expires.utcoffset() is None:
            raise SettingsRejected("expires is a datetime with an offset, as of datetime.now(UTC)")
        expires = int(expires.timestamp() - now)
    return whole_seconds("expires", expires, 1, MAX_LIFETIME)


def _scopes_of(session: Session) -> frozenset[str]:
    return texts_in(session.claims.get("scope"), split=True)


def _when(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
