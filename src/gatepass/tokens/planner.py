"""Plans and answers of a manager: pure but for the clock and randomness that it is given.

Login: `plan_issue` → store → `conclude_issue`. Refresh: `open_refresh` → claims →
`plan_rotation` → store → `conclude_rotation`. Tokens are signed after the store's fact.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, assert_never

from gatepass.errors import (
    ClaimsRejected,
    RefreshReused,
    SessionExpired,
    SessionRevoked,
    SessionUnknown,
    SettingsRejected,
    SubjectDisabled,
    SubjectEpochChanged,
    TokenInvalid,
    TokenMissing,
)
from gatepass.jose import Key, KeySet, KeySource
from gatepass.jose._base64url import encode
from gatepass.jose.keyset import require_lifetime, signing_source
from gatepass.sessions import (
    Bucket,
    IssuePlan,
    OpaqueFact,
    OpaqueToken,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    new_id,
)
from gatepass.tokens.claims import AccessClaims, dict_of
from gatepass.tokens.claims_verifier import ClaimsVerifier
from gatepass.tokens.opaque_access import NewOpaque, OpaqueAccess
from gatepass.tokens.pair import (
    LogIn,
    Presented,
    TokenPair,
    read_presented,
    require_token_id,
)
from gatepass.tokens.pairing import Pairing
from gatepass.tokens.policy import (
    MAX_LIFETIME,
    TokenPolicy,
    require_subject,
    require_text,
    whole_seconds,
)
from gatepass.tokens.session_claims import (
    actor_of,
    merge_claims,
    sec_hash,
    session_text,
    split_claims,
)
from gatepass.tokens.typ import ACCESS_TYP, REFRESH_TYP

ACCESS_CLAIMS = ("iss", "aud", "client_id", "iat", "jti", "sid", "auth_time")
_REFRESH_CLAIMS = ("iss", "aud", "iat", "sid", "gen", "sec")
_MAX_EPOCH = 2**63


class PairPlanner:
    """Turns requests into plans, and the store's facts into tokens or errors."""

    def __init__(
        self,
        policy: TokenPolicy,
        *,
        access_keys: Key | KeySet | KeySource,
        refresh_keys: Key | KeySet | KeySource,
        now: Callable[[], float],
        random: Callable[[int], bytes],
        remember: int,
    ) -> None:
        if not isinstance(policy, TokenPolicy):
            raise SettingsRejected(f"the policy is a TokenPolicy, and not {type(policy).__name__}")
        self.policy = policy
        self.access_keys = signing_source(access_keys)
        self.refresh_keys = signing_source(refresh_keys)
        self._now = now
        self._random = random
        self._access_s = whole_seconds("access_lifetime", policy.access_lifetime, 1, _MAX_EPOCH)
        self._refresh_s = whole_seconds("refresh_lifetime", policy.refresh_lifetime, 1, _MAX_EPOCH)
        self._session_s = whole_seconds("session_lifetime", policy.session_lifetime, 1, _MAX_EPOCH)
        self._leeway_s = whole_seconds("rotation_leeway", policy.rotation_leeway, 0, _MAX_EPOCH)
        require_lifetime(self.access_keys, self._access_s)
        require_lifetime(self.refresh_keys, self._refresh_s)
        self._pairing = Pairing(
            policy,
            access_keys=self.access_keys,
            refresh_keys=self.refresh_keys,
            access_s=self._access_s,
            session_s=self._session_s,
            now=now,
            random=random,
        )
        self._pairing.signing_keys()
        verifier = partial(
            ClaimsVerifier,
            issuer=policy.issuer,
            audience=policy.audience,
            leeway=whole_seconds("leeway", policy.leeway, 0, _MAX_EPOCH),
            now=now,
        )
        self.access = verifier(
            self.access_keys,
            typ=ACCESS_TYP,
            required_claims=(*ACCESS_CLAIMS, *policy.required_claims),
            allowed_values=policy.allowed_values,
            remember=remember,
        )
        self._refresh = verifier(
            self.refresh_keys, typ=REFRESH_TYP, required_claims=_REFRESH_CLAIMS, allowed_values={}
        )
        self.opaque = OpaqueAccess(
            policy,
            self.access,
            refresh_keys=self.refresh_keys,
            access_s=self._access_s,
            session_s=self._session_s,
            now=now,
            random=random,
        )

    def plan_issue(
        self,
        subject: str,
        claims: Mapping[str, Any] | None,
        session_claims: Mapping[str, Any] | None,
        device: str | None,
        epoch: object,
        give_back: tuple[Bucket, ...],
    ) -> LogIn:
        """The plan of a login for the store; rejects claims that `verify` would reject."""
        subject = require_subject(subject)
        if device is not None:
            device = require_text("device", device)
        own, of_session = split_claims(claims, session_claims)
        claims_json, text = merge_claims(self.policy, own, of_session), session_text(of_session)
        sec = encode(self._random(16)).decode()
        plan = IssuePlan(
            session_id=new_id(subject, self._random(16)),
            subject=subject,
            client_id=self.policy.client_id,
            device=device,
            auth_time=int(self._now()),
            claims_json=claims_json,
            sec_hash=sec_hash(sec, text),
            refresh_lifetime_ms=self._refresh_s * 1000,
            session_lifetime_ms=self._session_s * 1000,
            access_lifetime_ms=self._access_s * 1000,
            epoch=None if epoch is None else _require_epoch(epoch),
            max_sessions=self.policy.max_sessions,
            actor=actor_of(of_session),
            give_back=give_back,
        )
        self._pairing.signing_keys()
        return LogIn(plan=plan, sec=sec, session_text=text)

    def conclude_issue(
        self,
        log_in: LogIn,
        session: Session | None,
        new: NewOpaque | None = None,
        recorded: OpaqueToken | None = None,
    ) -> TokenPair:
        """The first pair of a session, with the opaque token if one was recorded."""
        if session is None or (new is not None and recorded is None):
            raise SubjectEpochChanged
        opaque = None if new is None or recorded is None else (new, recorded)
        return self._pairing.pair(session, log_in, session.claims_json, opaque)

    def open_refresh(self, token: str | None) -> Presented:
        """The verified content of a refresh token."""
        return read_presented(dict_of(self._refresh.open(token)))

    def plan_rotation(
        self, presented: Presented, claims: Mapping[str, Any] | None, *, loaded: bool
    ) -> RotationPlan:
        """The plan of a refresh for the store; `claims` count only when they were loaded."""
        if loaded and claims is None:
            raise SubjectDisabled
        self._pairing.signing_keys()
        claims_json = None
        if claims is not None:
            claims_json = merge_claims(self.policy, claims, presented.session_claims)
        return RotationPlan(
            session_id=presented.session_id,
            generation=presented.generation,
            sec_hash=sec_hash(presented.sec, presented.session_text),
            claims_json=claims_json,
            leeway_ms=self._leeway_s * 1000,
            refresh_lifetime_ms=presented.idle_ms(self._refresh_s, self._session_s, self._now()),
            access_lifetime_ms=self._access_s * 1000,
        )

    def require_rotated(self, presented: Presented, fact: RotationFact) -> Session:
        """The session that goes on; otherwise an error says why it does not."""
        match fact.kind:
            case RotationKind.ROTATED | RotationKind.REPLAYED | RotationKind.AHEAD:
                if fact.session is None or fact.session.subject != presented.subject:
                    raise SessionUnknown
                return fact.session
            case RotationKind.REUSED:
                raise RefreshReused
            case RotationKind.REVOKED:
                raise SessionRevoked
            case RotationKind.EXPIRED:
                raise SessionExpired
            case RotationKind.UNKNOWN:
                raise SessionUnknown
            case _:
                assert_never(fact.kind)

    def conclude_rotation(
        self,
        presented: Presented,
        plan: RotationPlan,
        session: Session,
        new: NewOpaque | None = None,
        recorded: OpaqueToken | None = None,
    ) -> TokenPair:
        """The pair of the current generation, with the opaque token if one was recorded."""
        if new is not None and recorded is None:
            raise SessionRevoked
        claims_json = plan.claims_json or session.claims_json
        opaque = None if new is None or recorded is None else (new, recorded)
        return self._pairing.pair(session, presented, claims_json, opaque)

    def plan_log_out(
        self, access_token: str | None, refresh_token: str | None, fact: OpaqueFact | None = None
    ) -> tuple[str, bytes | None, str]:
        """The session to end, the hash that must match if only a refresh token proves it, whose.

        Expired tokens and any generation will do. Two tokens must name one session. The fact is
        the store's about an opaque access token.
        """
        session_ids: list[str] = []
        proof: bytes | None = None
        if fact is not None:
            session = self.opaque.session_of(fact)
            session_ids.append(session.session_id)
            subject = session.subject
        elif access_token is not None:
            opened = self.access.open_any_time(access_token)
            session_ids.append(opened["sid"])
            subject = opened.subject
        if refresh_token is not None:
            presented = read_presented(dict_of(self._refresh.open_any_time(refresh_token)))
            session_ids.append(presented.session_id)
            subject = presented.subject
            if access_token is None:
                proof = sec_hash(presented.sec, presented.session_text)
        if not session_ids:
            raise TokenMissing
        if len(set(session_ids)) > 1:
            raise TokenInvalid("the two tokens are of different sessions")
        return session_ids[0], proof, subject

    def plan_token_revocation(self, token: AccessClaims | str) -> tuple[str, int]:
        """The id of the token to revoke, and for how many milliseconds it could still pass."""
        token_id = require_token_id(token)
        if isinstance(token, AccessClaims) and token.kind == "key":
            raise ClaimsRejected("an API key is ended by revoke_key")
        lifetime_s: float = self._access_s
        if isinstance(token, AccessClaims):  # of a `TokenIssuer` perhaps, and long-lived
            now = self._now()
            lifetime_s = max(lifetime_s, min(token.expires_at, now + MAX_LIFETIME) - now)
        return token_id, math.ceil(lifetime_s) * 1000


def _require_epoch(epoch: object) -> int:
    if not isinstance(epoch, int) or isinstance(epoch, bool) or not 0 <= epoch < _MAX_EPOCH:
        raise ClaimsRejected("an epoch is what subject_epoch answered")
    return epoch
