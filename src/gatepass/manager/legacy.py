"""Exchanging the refresh tokens of another library for sessions; one piece of code for both twins.

1. The id of the session follows from the token (`tokens/legacy.py`). The token counts as generation
   0 of that session: the store's rotation answers it as it answers any superseded token. Racers and
   repeats within the leeway get one successor; after that, the session ends.
2. The session is inserted before that rotation. A caller that finds the id in use rotates, too: a
   racer was faster, or the answer was lost, or the token was exchanged before.
3. The epoch is read with the time of the last revocation, and the insertion compares it. So a
   revocation that comes in between makes the exchange fail, as it does with a login.
4. A row with another secret is of another token with the same identity. Somebody has two tokens
   where the library made one, so the session ends.
5. The row stays until the token has expired, even when the policy ends the session earlier. Until
   then the store knows that the token was exchanged.
"""

import logging
from contextlib import suppress
from typing import Any, Final

from gatepass._maybe_await import settle
from gatepass.errors import GatepassError, SessionRevoked
from gatepass.events.about import about
from gatepass.events.stores import LOG_OUT
from gatepass.sessions import IssuePlan, RotationFact, RotationKind, RotationPlan
from gatepass.tokens import AccessClaims, PairPlanner
from gatepass.tokens.legacy import LegacyReader, Opened
from gatepass.tokens.session_claims import merge_claims

_REUSED: Final = RotationFact(kind=RotationKind.REUSED)
_EXCHANGED: Final = "a refresh token of the old library was exchanged: sid=%s"
_logger = logging.getLogger("gatepass")


class LegacyExchange:
    """The legacy tokens of one manager."""

    def __init__(self, reader: LegacyReader, planner: PairPlanner, store: Any) -> None:
        self._reader = reader
        self._planner = planner
        self._store = store
        self.verify = reader.verify
        """See `LegacyReader.verify`."""

    def open(self, token: str | None, ours: GatepassError) -> Opened:
        """The content of a legacy refresh token; see `LegacyReader.open`."""
        return self._reader.open(token, "refresh", ours)

    def session_id_of(
        self, access_token: str | None, refresh_token: str | None, ours: GatepassError
    ) -> str:
        """The session that a legacy refresh token opens, or has opened."""
        if access_token is not None:
            raise ours
        return self.open(refresh_token, ours).presented.session_id

    async def exchange(self, opened: Opened, plan: RotationPlan) -> RotationFact:
        """Open the session of this token, unless it is open, and rotate it by this plan.

        Raises:
            TokenRevoked: The library's own denylist has the token.
            SessionRevoked: The subject was revoked since the token was issued.
        """
        await self._reader.require_allowed(opened)
        claims_json = plan.claims_json
        if claims_json is None:
            claims_json = merge_claims(self._planner.policy, opened.own_claims, {})
        await self._begin(opened, plan, claims_json)
        fact: RotationFact = await settle(self._store.rotate(plan))
        if fact.kind is RotationKind.UNKNOWN:
            await settle(self._store.revoke_session(plan.session_id, reason="reuse"))
            return _REUSED
        return fact

    async def end(
        self, access_token: str | None, refresh_token: str | None, ours: GatepassError
    ) -> None:
        """Log out by legacy tokens: neither is accepted again.

        Raises:
            TokenInvalid, TokenExpired: See `LegacyReader.open`.
        """
        refresh = None if refresh_token is None else self.open(refresh_token, ours)
        access: AccessClaims | None = None
        if access_token is not None:
            access = await self.verify(access_token, ours)
        if refresh is not None:
            plan = self._planner.plan_rotation(refresh.presented, None, loaded=False)
            with suppress(SessionRevoked):
                await self._begin(refresh, plan, b"{}")
            with about(subject=refresh.subject):
                await settle(self._store.revoke_session(plan.session_id, reason=LOG_OUT))
        if access is not None:
            token_id, lifetime_ms = self._planner.plan_token_revocation(access)
            with about(subject=access.subject):
                await settle(self._store.revoke_token(token_id, lifetime_ms=lifetime_ms))

    async def _begin(self, opened: Opened, plan: RotationPlan, claims_json: bytes) -> None:
        """Insert the session, unless its id is in use.

        Raises:
            SessionRevoked: The subject was revoked since the token was issued.
        """
        epoch, raised_ms = await settle(self._store.last_epoch(opened.subject))
        if raised_ms and opened.issued_at * 1000 <= raised_ms:
            raise SessionRevoked
        policy = self._planner.policy
        log_in = IssuePlan(
            session_id=plan.session_id,
            subject=opened.subject,
            client_id=policy.client_id,
            device=None,
            auth_time=0,
            claims_json=claims_json,
            sec_hash=plan.sec_hash,
            refresh_lifetime_ms=plan.refresh_lifetime_ms,
            session_lifetime_ms=opened.lifetime_ms,
            access_lifetime_ms=plan.access_lifetime_ms,
            epoch=epoch,
            max_sessions=policy.max_sessions,
        )
        try:
            session = await settle(self._store.issue(log_in))
        except ValueError:
            return
        if session is None:
            raise SessionRevoked
        _logger.info(_EXCHANGED, plan.session_id)
