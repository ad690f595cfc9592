"""The change of a password: limit, `change_password`, then the end of every other session.

1. The application keeps the new password, durably, before any session ends: a login with the old
   one, which has read the epoch before, loses.
2. One step of the store raises the epoch and ends every session of the caller's but this one.
3. After a failure between the two the new password holds, and the answer is a 503. The same
   request again ends the sessions: `change_password` then returns `True` for a change that is
   there already.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from gatepass._maybe_await import settle
from gatepass.errors import PasswordRejected, StoreUnavailable
from gatepass.events import EventKind, note_subject
from gatepass.gate.hooks import ChangePassword
from gatepass.gate.limits import GateLimits
from gatepass.http import (
    Answer,
    NewPassword,
    Problems,
    RequestRefused,
    Requirement,
    answer_json,
    parse_new_password,
    refusing,
)
from gatepass.http.problems import (
    PASSWORD_REJECTED,
    PASSWORD_WRONG,
    STORE_UNAVAILABLE,
)
from gatepass.manager import AsyncTokenManager, TokenManager
from gatepass.tokens import AccessClaims

FRESH: Final = Requirement(fresh=timedelta(minutes=5))
"""A stolen token is no way to guess a password: it needs a fresh login, and no actor."""
REASON: Final = "password changed"
KEPT: Final[ContextVar[str | None]] = ContextVar("gatepass_kept", default=None)
"""The session whose user changes the password now: code that this calls must not end it."""
_COUNTED: Final = (PASSWORD_WRONG.code, PASSWORD_REJECTED.code)
_PROBLEMS: Final[Problems] = {StoreUnavailable: STORE_UNAVAILABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    """Changes the caller's password."""

    manager: TokenManager | AsyncTokenManager
    change: ChangePassword
    limits: GateLimits
    call: Callable[..., Any]
    """Calls a function of the application that may block; the result may be awaitable."""

    async def answer(self, claims: AccessClaims, content_type: str | None, body: bytes) -> Answer:
        """Change the password and end every other session.

        Raises:
            RequestRefused: The body is malformed, too many attempts, a wrong current password, a
                new one that breaks a rule, or the store is down.
        """
        passwords = parse_new_password(content_type, body)
        with refusing(_PROBLEMS):
            # By session: a thief with a token of another one must not use up the owner's attempts.
            attempt = await self.limits.begin("password", claims.session_id or claims.subject)
            try:
                await self._change(claims, passwords)
            except (StoreUnavailable, RequestRefused) as error:
                if not isinstance(error, RequestRefused) or error.problem.code not in _COUNTED:
                    await self.limits.give_back(attempt)  # the client is told to repeat it
                raise
        return answer_json({"message": "Password changed"})

    async def _change(self, claims: AccessClaims, passwords: NewPassword) -> None:
        subject, own = claims.subject, claims.session_id
        if not await self._store(claims, passwords):
            note_subject(subject)
            raise RequestRefused(PASSWORD_WRONG)
        await settle(self.manager.revoke_subject(subject, reason=REASON, keep=own))
        changed = EventKind.PASSWORD_CHANGED
        await settle(self.manager.tell(changed, subject=subject, session_id=own))

    async def _store(self, claims: AccessClaims, passwords: NewPassword) -> bool:
        """Have the application keep the new password; whether the current one was right."""
        token = KEPT.set(claims.session_id)
        try:
            called = self.call(self.change, claims.subject, passwords.current, passwords.new)
            done = await settle(await settle(called))
        except PasswordRejected as rejected:
            sentence = str(rejected)
            problem = replace(PASSWORD_REJECTED, error=sentence[:1].upper() + sentence[1:])
            raise RequestRefused(problem) from None
        finally:
            KEPT.reset(token)
        if not isinstance(done, bool):
            raise TypeError(f"change_password returns True or False, not {type(done).__name__}")
        return done
