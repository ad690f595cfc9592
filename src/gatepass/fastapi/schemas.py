"""The bodies of the auth routes' answers, as the OpenAPI document shows them."""

from pydantic import BaseModel


class TokenAnswer(BaseModel):
    """A token pair; lifetimes in seconds."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    refresh_expires_in: int
    session_id: str
    device_token: str | None = None
    """The mark of the device, after a login only."""


class CookieAnswer(BaseModel):
    """The body of an answer whose tokens are in cookies."""

    expires_in: int
    refresh_expires_in: int
    session_id: str
    csrf_token: str


class CsrfAnswer(BaseModel):
    """The CSRF token of one session."""

    csrf_token: str


class MessageAnswer(BaseModel):
    """A sentence that says what the server did."""

    message: str


class LoggedOutEverywhere(MessageAnswer):
    """The number of sessions that ended, with a sentence."""

    revoked: int


class SessionItem(BaseModel):
    """One session; times in seconds since 1970."""

    session_id: str
    device: str | None
    client_id: str
    created_at: int
    last_used_at: int
    expires_at: int
    current: bool


class SessionsAnswer(BaseModel):
    """The caller's live sessions, newest first."""

    sessions: list[SessionItem]
