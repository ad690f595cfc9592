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
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from gatepass._maybe_await import settle
from gatepass.errors import GatepassError, SessionRevoked, TokenExpired, TokenInvalid
from gatepass.events.about import about
from gatepass.events.stores import LOG_OUT
from gatepass.sessions import IssuePlan, RotationFact, RotationKind, RotationPlan
from gatepass.tokens import PairPlanner
from gatepass.tokens.legacy import LegacyReader, Opened
from gatepass.tokens.pair import require_known
from gatepass.tokens.policy import MAX_SESSIONS
from gatepass.tokens.session_claims import merge_claims

_REUSED: Final = RotationFact(kind=RotationKind.REUSED)
_EXCHANGED: Final = "a refresh token of the old library was exchanged: sid=%s"
_logger = logging.getLogger("gatepass")


class LegacyExchange:
    """The legacy tokens of one manager."""

    def __init__(
        self, reader: LegacyReader, planner: PairPlanner, store: Any, own_store: Any
    ) -> None:
        self._reader = reader
        self._planner = planner
        self._store = store
        self._own_store = own_store
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
        policy, claims_json = self._planner.policy, plan.claims_json
        if claims_json is None:
            claims_json = merge_claims(policy, opened.own_claims, {})
        if await self._begin(self._store, opened, plan, claims_json, policy.max_sessions):
            _logger.info(_EXCHANGED, plan.session_id)
        fact: RotationFact = await settle(self._store.rotate(plan))
        if fact.kind is RotationKind.UNKNOWN:
            await settle(self._store.revoke_session(plan.session_id, reason="reuse"))
            return _REUSED
        return fact

    async def end(
        self,
        access_token: str | None,
        refresh_token: str | None,
        ours: GatepassError,
        prove: Callable[[str | None, str | None], Any],
    ) -> None:
        """Log out by legacy tokens, or by one of them and one of ours: neither is accepted again.

        An expired legacy token is fine beside one that has not expired.

        Raises:
            TokenInvalid: A token is neither, or the tokens are of two subjects.
            TokenExpired: A legacy token has expired, and no other token was given.
        """
        legacy, others = self._tell_apart({"access": access_token, "refresh": refresh_token}, ours)
        subjects = {opened.subject for opened in legacy.values()}
        proved = None
        if others:
            proved = await settle(prove(others.get("access"), others.get("refresh")))
            subjects.add(proved[2])
        if len(subjects) > 1:
            raise TokenInvalid("the two tokens are of different subjects")
        with about(subject=subjects.pop()):
            if "refresh" in legacy:
                await self._end_session(legacy["refresh"])
            if "access" in legacy:
                claims = self._reader.claims_of(legacy["access"])
                token_id, lifetime_ms = self._planner.plan_token_revocation(claims)
                await settle(self._store.revoke_token(token_id, lifetime_ms=lifetime_ms))
            if proved is not None:
                session_id, proof, _ = proved
                revoking = self._store.revoke_session(session_id, reason=LOG_OUT, sec_hash=proof)
                require_known(await settle(revoking), proof)

    def _tell_apart(
        self, tokens: dict[str, str | None], ours: GatepassError
    ) -> tuple[dict[str, Opened], dict[str, str]]:
        """Legacy tokens that have not expired, and tokens of another kind; never neither."""
        legacy, others, expired = dict[str, Opened](), dict[str, str](), None
        for kind, token in tokens.items():
            if token is None:
                continue
            try:
                legacy[kind] = self._reader.open(token, kind, ours)
            except TokenExpired as error:
                expired = error
            except TokenInvalid as error:
                if error is not ours:
                    raise
                others[kind] = token
        if not legacy and not (expired and others):
            raise expired or ours
        return legacy, others

    async def _end_session(self, opened: Opened) -> None:
        """End the session of a legacy refresh token. If there is none, the store gets its row.

        That row is no login: it makes no event, and ends no other session.
        """
        plan = self._planner.plan_rotation(opened.presented, None, loaded=False)
        with suppress(SessionRevoked):
            await self._begin(self._own_store, opened, plan, b"{}", MAX_SESSIONS + 1)
        await settle(self._store.revoke_session(plan.session_id, reason=LOG_OUT))

    async def _begin(
        self,
        store: Any,
        opened: Opened,
        plan: RotationPlan,
        claims_json: bytes,
        max_sessions: int,
    ) -> bool:
        """Insert the session, unless its id is in use; whether this call did.

        Raises:
            SessionRevoked: The subject was revoked since the token was issued.
        """
        epoch, raised_ms = await settle(store.last_epoch(opened.subject))
        if raised_ms and opened.issued_at * 1000 <= raised_ms:
            raise SessionRevoked
        log_in = IssuePlan(
            session_id=plan.session_id,
            subject=opened.subject,
            client_id=self._planner.policy.client_id,
            device=None,
            auth_time=0,
            claims_json=claims_json,
            sec_hash=plan.sec_hash,
            refresh_lifetime_ms=plan.refresh_lifetime_ms,
            session_lifetime_ms=opened.lifetime_ms,
            access_lifetime_ms=plan.access_lifetime_ms,
            epoch=epoch,
            max_sessions=max_sessions,
        )
        try:
            session = await settle(store.issue(log_in))
        except ValueError:
            return False
        if session is None:
            raise SessionRevoked
        return True
