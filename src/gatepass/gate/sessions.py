"""A session as its user sees it, and the callers that may refresh or end it."""

from typing import Any

from gatepass.errors import TokenError
from gatepass.gate.guard import Guard
from gatepass.http import REFRESH_PROBLEMS, HttpRequest, RequestRefused, refusing
from gatepass.http.problems import CSRF_FAILED, INSUFFICIENT_SCOPE
from gatepass.manager import AsyncTokenManager, TokenManager
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


def require_own_refresh(
    guard: Guard,
    manager: TokenManager | AsyncTokenManager,
    request: HttpRequest,
    refresh_token: str,
) -> None:
    """Return when one of our pages refreshes by cookie, and both cookies are of one session.

    Raises:
        RequestRefused: The page is not ours, or the cookies are of two sessions.
    """
    access_token, _ = guard.find_cookie(request)
    try:
        session_id = manager.session_id_of(access_token=access_token)
    except TokenError:
        what = "is missing" if access_token is None else "was signed by no key of ours"
        reason = f"a refresh by cookie proves its session, and the access cookie {what}"
        raise RequestRefused(CSRF_FAILED, reason=reason) from None
    guard.require_own_page(request, session_id)
    with refusing(REFRESH_PROBLEMS):
        refreshed = manager.session_id_of(refresh_token=refresh_token)
    if refreshed != session_id:
        reason = "the refresh cookie is of another session than the access cookie"
        raise RequestRefused(CSRF_FAILED, reason=reason)
