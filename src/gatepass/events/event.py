"""`Event` and the closed list of its kinds (pure)."""

import enum
from dataclasses import dataclass


class EventKind(enum.StrEnum):
    """The kind of an event; there are no others."""

    LOGGED_IN = "logged_in"
    """A session was opened."""
    MOVED_IN = "moved_in"
    """A session was opened in exchange for a refresh token of another library."""
    LOGIN_FAILED = "login_failed"
    """A user name and a password were rejected."""
    RATE_LIMITED = "rate_limited"
    """An attempt was rejected because there were too many."""
    REFRESHED = "refreshed"
    REFRESH_REPLAYED = "refresh_replayed"
    """A token superseded within the leeway was answered with the current generation."""
    REFRESH_REUSED = "refresh_reused"
    """A token superseded earlier came back: its session ended."""
    SESSION_MOVED_FORWARD = "session_moved_forward"
    """The store had lost rotations that were acknowledged; the refresh brought them back."""
    LOGGED_OUT = "logged_out"
    SESSION_REVOKED = "session_revoked"
    SUBJECT_REVOKED = "subject_revoked"
    EVERYBODY_REVOKED = "everybody_revoked"
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    API_KEY_ISSUED = "api_key_issued"
    """An API key was issued: `device` is its name, `session_id` its id."""
    KEY_PROMOTED = "key_promoted"
    KEY_RETIRED = "key_retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. It holds no token, no password and no user name."""

    kind: EventKind
    at: float
    """Seconds since 1970, on the manager's clock."""
    subject: str | None = None
    """The account; `None` where it is not known, as after a login with an unknown name."""
    session_id: str | None = None
    client_id: str | None = None
    """The `client_id` of the session, or of the manager where no session is known."""
    address: str | None = None
    """The client's address, which is personal data; `None` outside a request."""
    device: str | None = None
    """The client's `User-Agent`, or the name that was given to `issue`."""
    reason: str | None = None
    """Why a session ended; of a token its `jti`, of a key its `kid`."""
