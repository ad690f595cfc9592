"""Makes the token pair of a session, out of its row and the keys of this moment. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from gatepass.jose import KeySet, KeySource
from gatepass.jose.keyset import require_disjoint, require_signing
from gatepass.sessions import OpaqueToken, Session, new_id
from gatepass.tokens.issuer import sign_claims
from gatepass.tokens.opaque_access import NewOpaque
from gatepass.tokens.pair import (
    SESSION_TEXT,
    LogIn,
    Presented,
    TokenPair,
    registered_claims,
)
from gatepass.tokens.policy import REGISTERED_CLAIMS, TokenPolicy
from gatepass.tokens.session_claims import SIGN_IN_CLAIMS, read_session_text
from gatepass.tokens.typ import ACCESS_TYP, REFRESH_TYP

_NOT_OF_THE_ROW: Final = REGISTERED_CLAIMS | SIGN_IN_CLAIMS


class Pairing:
    """Signs the tokens of one policy."""

    __slots__ = (
        "_access_keys",
        "_access_s",
        "_checked",
        "_now",
        "_policy",
        "_random",
        "_refresh_keys",
        "_session_s",
    )

    def __init__(
        self,
        policy: TokenPolicy,
        *,
        access_keys: KeySource,
        refresh_keys: KeySource,
        access_s: int,
        session_s: int,
        now: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._policy = policy
        self._access_keys = access_keys
        self._refresh_keys = refresh_keys
        self._access_s = access_s
        self._session_s = session_s
        self._now = now
        self._random = random
        self._checked: tuple[KeySet, KeySet] | None = None

    def pair(
        self,
        session: Session,
        proof: LogIn | Presented,
        claims_json: bytes,
        opaque: tuple[NewOpaque, OpaqueToken] | None,
    ) -> TokenPair:
        """The pair of this session; its access token is a JWT, or the opaque one of the store."""
        now = int(self._now())
        ends_at = min(session.ends_ms // 1000, session.began + self._session_s)
        idle_ends_at = min(session.idle_ends_ms // 1000, ends_at)
        access_keys, refresh_keys = self.signing_keys()
        if opaque is None:
            expires_at = min(now + self._access_s, ends_at)
            claims = self._access_claims(session, proof, claims_json, now, expires_at)
            access_token = sign_claims(access_keys, claims, ACCESS_TYP)
            expires_in = max(0, expires_at - now)
        else:
            new, recorded = opaque
            access_token = new.text
            expires_in = (recorded.ends_ms - recorded.issued_ms) // 1000
        refresh = {
            "iss": self._policy.issuer,
            "aud": self._policy.audience,
            "sub": session.subject,
            "iat": session.born_ms // 1000,
            "exp": idle_ends_at,
            "sid": session.session_id,
            "auth_time": session.began,
            "gen": session.generation,
            "sec": proof.sec,
        }
        if proof.session_text:
            refresh[SESSION_TEXT] = proof.session_text
        return TokenPair(
            access_token=access_token,
            refresh_token=sign_claims(refresh_keys, refresh, REFRESH_TYP),
            expires_in=expires_in,
            refresh_expires_in=max(0, idle_ends_at - now),
            session_id=session.session_id,
        )

    def signing_keys(self) -> tuple[KeySet, KeySet]:
        """Both current key sets; rules between them are checked when either has changed."""
        access, refresh = self._access_keys.current(), self._refresh_keys.current()
        checked = self._checked
        if checked is None or access is not checked[0] or refresh is not checked[1]:
            require_signing(access)
            require_signing(refresh)
            require_disjoint(access, refresh)
            self._checked = access, refresh
        return access, refresh

    def _access_claims(
        self,
        session: Session,
        proof: LogIn | Presented,
        claims_json: bytes,
        now: int,
        expires_at: int,
    ) -> Mapping[str, Any]:
        # Write access to the store must not be enough to change a token's subject, its lifetime
        # or how the user logged in.
        own: dict[str, Any] = {
            name: value
            for name, value in msgspec.json.decode(claims_json).items()
            if name not in _NOT_OF_THE_ROW
        }
        token_id = new_id(session.subject, self._random(16))
        claims = registered_claims(self._policy, session, token_id, now, expires_at) | own
        return claims | read_session_text(proof.session_text)
