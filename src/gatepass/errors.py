"""Everything this package raises on purpose; imports nothing of ours and knows no HTTP.

GatepassError
├── TokenError                 the presented token is rejected
│   ├── TokenMissing           there was no token
│   ├── TokenMalformed         not a compact JWS with a JSON object in it (RFC 7515 §5.2)
│   ├── TokenInvalid           forged, or of another type, issuer, audience or claim
│   ├── TokenExpired           its `exp` has passed
│   └── TokenRevoked           it, or its session, was revoked
├── SessionError               the token is fine, its session is not
│   ├── RefreshReused          a superseded refresh token came back (RFC 9700 §4.14.2)
│   ├── SessionRevoked         the session was ended on purpose
│   ├── SessionExpired         the session reached its idle or absolute end
│   ├── SessionUnknown         no such session
│   ├── SubjectDisabled        `load_claims` says that this subject may not sign in
│   └── SubjectEpochChanged    the subject was revoked while this login was under way
├── KeyRejected                key material that this package will not use
├── ClaimsRejected             claims that must not be signed
├── PasswordRejected           a new password that breaks a rule
├── HashRejected               a password hash of another program that cannot be kept
├── SettingsRejected           a policy or setting that is out of bounds
├── GuardMisused               a guard stands where it would guard nothing
└── StoreUnavailable           the store did not do, or did not confirm, an operation
    ├── StoreOutdated          its tables are of another release: an operator has to act
    └── KeysUnavailable        the issuer's keys could not be fetched: the token was not decided

No error holds a token, a secret or a password.
"""

from typing import ClassVar


class GatepassError(Exception):
    """The root of everything this package raises on purpose."""

    code: ClassVar[str] = "gatepass_error"
    message: ClassVar[str] = "gatepass refused"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(self.message if message is None else message)


class TokenError(GatepassError):
    """The presented token cannot be honoured."""

    code = "token_error"
    message = "the token is rejected"


class TokenMissing(TokenError):
    """No token was given."""

    code = "token_missing"
    message = "there is no token"


class TokenMalformed(TokenError):
    """The text is not a compact JWS with one JSON object in it (RFC 7515 §5.2)."""

    code = "token_malformed"
    message = "the token is malformed"


class TokenInvalid(TokenError):
    """The token is forged, or of another type, issuer, audience or claim."""

    code = "token_invalid"
    message = "the token is invalid"


class TokenExpired(TokenError):
    """The token's `exp` has passed (RFC 7519 §4.1.4)."""

    code = "token_expired"
    message = "the token has expired"


class TokenRevoked(TokenError):
    """The token, or the session it came from, was revoked."""

    code = "token_revoked"
    message = "the token has been revoked"


class SessionError(GatepassError):
    """The token is fine, its session is not."""

    code = "session_error"
    message = "the session cannot go on"


class RefreshReused(SessionError):
    """A superseded refresh token came back; its session is revoked (RFC 9700 §4.14.2)."""

    code = "refresh_reused"
    message = "the refresh token was already used; its session is revoked"


class SessionRevoked(SessionError):
    """The session was ended on purpose."""

    code = "session_revoked"
    message = "the session has been revoked"


class SessionExpired(SessionError):
    """The session reached its idle or its absolute end."""

    code = "session_expired"
    message = "the session has expired"


class SessionUnknown(SessionError):
    """The store knows no such session, or the token is not of it."""

    code = "session_unknown"
    message = "there is no such session"


class SubjectDisabled(SessionError):
    """`load_claims` says that this subject may not sign in."""

    code = "subject_disabled"
    message = "the subject is disabled"


class SubjectEpochChanged(SessionError):
    """The subject was revoked between reading its epoch and issuing; log in again."""

    code = "subject_epoch_changed"
    message = "the subject was revoked while this login was under way"


class KeyRejected(GatepassError):
    """Key material that this package will not use."""

    code = "key_rejected"
    message = "the key is rejected"


class ClaimsRejected(GatepassError):
    """Claims that must not be signed."""

    code = "claims_rejected"
    message = "the claims are rejected"


class PasswordRejected(GatepassError):
    """A new password that breaks a rule; the message is for the user, and holds no password."""

    code = "password_rejected"
    message = "the password is rejected"


class HashRejected(GatepassError):
    """A password hash of another program that cannot be kept; the message does not hold it."""

    code = "hash_rejected"
    message = "the password hash is rejected"


class SettingsRejected(GatepassError):
    """A policy or setting that is out of bounds."""

    code = "settings_rejected"
    message = "the settings are rejected"


class GuardMisused(GatepassError):
    """A guard stands where it would guard nothing: a mistake in the application's code."""

    code = "guard_misused"
    message = "a guard stands where it would guard nothing"


class StoreUnavailable(GatepassError):
    """The store did not do, or did not confirm, an operation; repeating is safe."""

    code = "store_unavailable"
    message = "the store is unavailable"
    retry_after: int | None = None
    """Seconds after which repeating may help, where that is known."""


class StoreOutdated(StoreUnavailable):
    """The database's tables are missing or of another release; waiting does not help."""

    code = "store_outdated"
    message = "the database's tables are of another release"


class KeysUnavailable(StoreUnavailable):
    """The issuer's keys could not be fetched: the token was neither accepted nor rejected."""

    code = "keys_unavailable"
    message = "the issuer's keys are unavailable"

    def __init__(self, message: str | None = None, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
