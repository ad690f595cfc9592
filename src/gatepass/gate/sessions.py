"""The members of a session that its user sees."""

from typing import Any

from gatepass.sessions import Session


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
