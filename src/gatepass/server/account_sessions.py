"""Ending the sessions of an account, after it was changed."""

from typing import Protocol

from gatepass.errors import StoreUnavailable


class EndsSessions(Protocol):
    """Ends the sessions of a subject, durably; a `TokenManager` does."""

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        """End the subject's sessions; how many were live."""
        ...


def end_sessions(sessions: EndsSessions, subject: str, reason: str) -> int:
    """End the sessions of an account that was changed; how many ended.

    Raises:
        StoreUnavailable: The change holds, and the sessions live on.
    """
    try:
        return sessions.revoke_subject(subject, reason=reason)
    except StoreUnavailable as error:
        raise StoreUnavailable(
            "the account was changed, but its sessions could not be ended: repeat the command"
        ) from error
