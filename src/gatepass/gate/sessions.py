"""A session as its user sees it, and the callers that may end it."""

from typing import Any

from gatepass.http import RequestRefused
from gatepass.http.problems import INSUFFICIENT_SCOPE
from gatepass.sessions import Session
from gatepass.tokens import AccessClaims


def describe(session: Session, *, current: str | None) -> dict[str, Any]:
    """The members of one entry in the list of sessions; times in whole seconds since 1970."""
    return {
        "session_id": session.session_id,
        "device": session.device,
        "client_id": session.client_id,
        "created_at": session.created_ms // 1000,
        "last_used_at": session.last_used_ms // 1000,
        "expires_at": min(session.idle_ends_ms, session.ends_ms) // 1000,
        "current": session.session_id == current,
    }


def require_no_actor(claims: AccessClaims) -> None:
    """Reject a caller who acts as the user: only the user may end the user's other sessions."""
    if "act" in claims:
        reason = "a token with act ends no session but its own"
        raise RequestRefused(INSUFFICIENT_SCOPE, reason=reason)
