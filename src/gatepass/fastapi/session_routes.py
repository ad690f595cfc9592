"""The routes for somebody who is logged in: who am I, where else, log me out everywhere."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from gatepass.fastapi import documents
from gatepass.fastapi.answers import send
from gatepass.http import ACCESS_DOOR, RequestRefused, answer_json, answer_nothing, door
from gatepass.http.problems import SESSION_UNKNOWN
from gatepass.manager import AsyncTokenManager
from gatepass.sessions import Session
from gatepass.tokens import AccessClaims


def add_session_routes(
    router: APIRouter,
    manager: AsyncTokenManager,
    required: Callable[..., Awaitable[AccessClaims]],
) -> None:
    """Add the caller's claims, the caller's sessions, and logging out everywhere."""
    caller = Annotated[AccessClaims, Depends(required)]

    @router.get("/me", **documents.ME)
    async def me(claims: caller) -> Response:
        """The claims of the caller's access token."""
        return send(answer_json(dict(claims)))

    @router.get("/sessions", **documents.SESSIONS)
    async def sessions(claims: caller) -> Response:
        """The caller's live sessions, newest first."""
        with door(ACCESS_DOOR):
            found = await manager.sessions(claims.subject)
        listed = [_describe(session, current=claims.session_id) for session in found]
        return send(answer_json({"sessions": listed}))

    # A parameter of the function would have FastAPI document a 422 that no text can cause.
    @router.delete("/sessions/{session_id}", **documents.END_SESSION)  # noqa: FAST003
    async def end_session(request: Request, claims: caller) -> Response:
        """End one of the caller's sessions; another user's is as unknown as one that never was."""
        session_id = request.path_params["session_id"]
        with door(ACCESS_DOOR):
            owned = {session.session_id for session in await manager.sessions(claims.subject)}
            if session_id not in owned:
                raise RequestRefused(SESSION_UNKNOWN)
            await manager.revoke_session(session_id, reason="ended-by-user")
        return send(answer_nothing())

    @router.post("/logout-all", **documents.LOGOUT_ALL)
    async def log_out_everywhere(claims: caller) -> Response:
        """End every session of the caller."""
        with door(ACCESS_DOOR):
            revoked = await manager.revoke_subject(claims.subject, reason="logout-all")
        return send(answer_json({"message": "Logged out everywhere", "revoked": revoked}))


def _describe(session: Session, *, current: str | None) -> dict[str, Any]:
    """What a user is shown of a session; times in whole seconds since 1970."""
    return {
        "session_id": session.session_id,
        "device": session.device,
        "client_id": session.client_id,
        "created_at": session.created_ms // 1000,
        "last_used_at": session.last_used_ms // 1000,
        "expires_at": min(session.idle_ends_ms, session.ends_ms) // 1000,
        "current": session.session_id == current,
    }
