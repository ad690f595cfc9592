"""The values that go in and out of a manager: pairs, logins and presented refresh tokens."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeGuard

from gatepass.errors import SessionExpired, SessionUnknown, TokenInvalid, TokenMalformed
from gatepass.sessions import IssuePlan, RevokeKind, Session
from gatepass.tokens.claims import AccessClaims
from gatepass.tokens.opaque import ACCESS_PREFIX, KEY_PREFIX
from gatepass.tokens.policy import TokenPolicy, is_plain_text, require_subject
from gatepass.tokens.session_claims import read_session_text

SESSION_TEXT: Final = "ses"
"""The claim of a refresh token that holds the JSON of its session claims, where it has any."""
_JWS_DOTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """The tokens that a client receives after a login or refresh; lifetimes in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int
    refresh_expires_in: int
    session_id: str

    def to_dict(self) -> dict[str, Any]:
        """The members of an OAuth-like answer (RFC 6749 §5.1)."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """A login for the store, with the secret that its tokens will carry."""

    plan: IssuePlan
    sec: str = field(repr=False)
    session_text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A verified refresh token; identity is (`sid`, `gen`), never its text."""

    session_id: str
    subject: str
    generation: int
    sec: str = field(repr=False)
    session_text: str = field(repr=False)
    auth_time: int | None = None
    """The login, in seconds since 1970; tokens of older releases do not tell it."""

    @property
    def session_claims(self) -> dict[str, Any]:
        """The session claims of the refresh token, which the store has yet to confirm."""
        return read_session_text(self.session_text)

    def idle_ms(self, refresh_s: int, session_s: int, now: float) -> int:
        """How long its successor may lie idle; the policy may be stricter than at the login.

        Raises:
            SessionExpired: The session has lived for as long as the policy allows.
        """
        idle_ms = refresh_s * 1000
        if self.auth_time is not None:
            idle_ms = min(idle_ms, (self.auth_time + session_s) * 1000 - int(now * 1000))
        if idle_ms <= 0:
            raise SessionExpired
        return idle_ms


def read_presented(claims: Mapping[str, Any]) -> Presented:
    """The refresh token with these claims, whose signature was verified.

    Raises:
        TokenInvalid: `gen`, `sec`, `auth_time` or the session claims are of the wrong type.
    """
    generation, sec, text = claims["gen"], claims["sec"], claims.get(SESSION_TEXT, "")
    if generation.__class__ is not int or generation < 0 or sec.__class__ is not str:
        raise TokenInvalid("the token is invalid: gen or sec is none")
    auth_time = claims.get("auth_time")
    if auth_time.__class__ is not int and auth_time is not None:
        raise TokenInvalid("the token is invalid: auth_time is none")
    if text != "":
        read_session_text(text)
    return Presented(
        session_id=claims["sid"],
        subject=claims["sub"],
        generation=generation,
        sec=sec,
        session_text=text,
        auth_time=auth_time,
    )


def registered_claims(
    policy: TokenPolicy, session: Session, token_id: str, issued_at: int, expires_at: int
) -> dict[str, Any]:
    """The claims that gatepass sets in every access token, in their order."""
    return {
        "iss": policy.issuer,
        "aud": policy.audience,
        "sub": session.subject,
        "client_id": session.client_id,
        "iat": issued_at,
        "exp": expires_at,
        "jti": token_id,
        "sid": session.session_id,
        "auth_time": session.auth_time,
    }


def require_token_id(token: AccessClaims | str) -> str:
    """A `jti`; the text of a token is rejected, revoking it would revoke nothing."""
    token_id = token.token_id if isinstance(token, AccessClaims) else token
    if not _is_id(token_id):
        raise TokenMalformed("a token is revoked by its claims or its id (jti), not by its text")
    return token_id


def require_known(kind: RevokeKind, proof: bytes | None) -> None:
    """A refresh token alone must be of a session we know; an access token proves its own."""
    if kind is RevokeKind.UNKNOWN and proof is not None:
        raise SessionUnknown


def is_subject(text: object) -> bool:
    """Whether a session can have this subject; a value that is no text is rejected."""
    return is_plain_text(text if isinstance(text, str) else require_subject(text))


def _is_id(value: object) -> TypeGuard[str]:
    if not isinstance(value, str) or value.startswith((ACCESS_PREFIX, KEY_PREFIX)):
        return False
    return is_plain_text(value) and value.count(".") < _JWS_DOTS
