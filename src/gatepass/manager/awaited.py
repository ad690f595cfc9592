"""`AsyncTokenManager`, the twin of `TokenManager`."""

from collections.abc import Awaitable
from typing import Self

from gatepass.errors import SubjectEpochChanged, TokenInvalid, TokenMalformed, TokenRevoked
from gatepass.events.about import about
from gatepass.events.stores import LOG_OUT
from gatepass.events.teller import AsyncTells
from gatepass.manager.api_keys import AsyncIssuesKeys
from gatepass.manager.common import (
    ACTOR_REVOKED,
    NOTABLE,
    AsyncLoadClaims,
    Claims,
    CommonManager,
    report,
    whose,
)
from gatepass.sessions import AsyncRevocations, AsyncStore, OpaqueFact, RevokeKind, Session
from gatepass.sessions.limits import Bucket
from gatepass.tokens import AccessClaims, TokenPair
from gatepass.tokens.claims import dict_of
from gatepass.tokens.opaque_access import UNKNOWN
from gatepass.tokens.pair import is_subject, require_known
from gatepass.tokens.policy import require_text
from gatepass.tokens.refusals import is_refused
from gatepass.tokens.watching import AsyncWatching


class AsyncTokenManager(
    CommonManager[AsyncStore, AsyncRevocations, AsyncLoadClaims],
    AsyncWatching,
    AsyncTells,
    AsyncIssuesKeys,
):
    """`TokenManager` for `await`; `load_claims` and `on_event` may be coroutine functions."""

    _is_async = True

    async def issue(
        self,
        subject: str,
        claims: Claims | None = None,
        *,
        session_claims: Claims | None = None,
        device: str | None = None,
        epoch: int | None = None,
        give_back: tuple[Bucket, ...] = (),
    ) -> TokenPair:
        """See `TokenManager.issue`."""
        log_in = self._planner.plan_issue(subject, claims, session_claims, device, epoch, give_back)
        plan, actor = log_in.plan, log_in.plan.actor
        before = None if actor is None else await self._store.subject_epoch(actor)
        session = await self._store.issue(plan)
        if session and actor is not None and await self._store.subject_epoch(actor) != before:
            await self._store.revoke_session(plan.session_id, reason=ACTOR_REVOKED)
            raise SubjectEpochChanged
        new = self._opaque.plan(session)
        recorded = None if new is None else await self._store.issue_opaque(new.plan)
        return self._planner.conclude_issue(log_in, session, new, recorded)

    async def refresh(self, refresh_token: str | None) -> TokenPair:
        """See `TokenManager.refresh`."""
        presented, opened = self._open_refresh(refresh_token)
        loaded = self._load_claims is not None
        claims = None
        if self._load_claims is not None:
            claims = self._load_claims(presented.subject, presented.session_claims)
        if isinstance(claims, Awaitable):
            claims = await claims
        plan = self._planner.plan_rotation(presented, claims, loaded=loaded)
        if opened is None:
            fact = await self._store.rotate(plan)
        else:
            fact = await self._legacy.exchange(opened, plan)
        if fact.kind in NOTABLE:
            report(presented, fact)
        session = self._planner.require_rotated(presented, fact)
        new = self._opaque.plan(session)
        recorded = None if new is None else await self._store.issue_opaque(new.plan)
        return self._planner.conclude_rotation(presented, plan, session, new, recorded)

    async def verify(self, access_token: str | None) -> AccessClaims:
        """See `TokenManager.verify`."""
        try:
            try:
                claims = self._jwts.open(access_token)
            except TokenInvalid as error:
                claims = await self._legacy.verify(access_token, error)
        except TokenMalformed as malformed:
            opaque_ids = self._opaque.require_ids(access_token, malformed)
        else:
            held = dict_of(claims)
            verdict = await self._is_revoked(held.get("sid"), held["jti"])
            if verdict is not False and is_refused(verdict):
                self._access.forget(access_token)
                raise TokenRevoked
            return claims
        return self._opaque.conclude(await self._find_opaque(opaque_ids))

    async def log_out(
        self, *, access_token: str | None = None, refresh_token: str | None = None
    ) -> None:
        """See `TokenManager.log_out`."""
        try:
            ended = await self._prove(access_token, refresh_token)
        except TokenInvalid as error:
            await self._legacy.end(access_token, refresh_token, error, self._prove)
            return
        session_id, proof, subject = ended
        with about(subject=subject):
            kind = await self._store.revoke_session(session_id, reason=LOG_OUT, sec_hash=proof)
        require_known(kind, proof)

    async def session_id_of(
        self, *, access_token: str | None = None, refresh_token: str | None = None
    ) -> str:
        """See `TokenManager.session_id_of`."""
        try:
            return (await self._prove(access_token, refresh_token))[0]
        except TokenInvalid as error:
            return self._legacy.session_id_of(access_token, refresh_token, error)

    async def _prove(
        self, access_token: str | None, refresh_token: str | None
    ) -> tuple[str, bytes | None, str]:
        opaque_ids = self._opaque.find_ids(access_token)
        fact = await self._find_opaque(opaque_ids) if opaque_ids else None
        return self._planner.plan_log_out(access_token, refresh_token, fact)

    async def _find_opaque(self, opaque_ids: list[str]) -> OpaqueFact:
        fact = UNKNOWN
        for opaque_id in opaque_ids:
            fact = await self._own_store.find_opaque(opaque_id)
            if fact.kind is not UNKNOWN.kind:
                break
        return fact

    async def revoke_token(self, token: AccessClaims | str) -> None:
        """See `TokenManager.revoke_token`."""
        token_id, lifetime_ms = self._planner.plan_token_revocation(token)
        with about(**whose(token)):
            await self._store.revoke_token(token_id, lifetime_ms=lifetime_ms)

    async def revoke_session(self, session_id: str, *, reason: str = "revoked") -> bool:
        """See `TokenManager.revoke_session`."""
        session_id, reason = require_text("session_id", session_id), require_text("reason", reason)
        kind = await self._store.revoke_session(session_id, reason=reason)
        return kind is RevokeKind.REVOKED

    async def revoke_subject(
        self,
        subject: str,
        *,
        reason: str = "revoked",
        keep: str | None = None,
        keep_keys: bool = False,
    ) -> int:
        """See `TokenManager.revoke_subject`."""
        subject, reason = require_text("subject", subject), require_text("reason", reason)
        keep = keep and require_text("keep", keep)
        return await self._store.revoke_subject(
            subject, reason=reason, keep=keep, keep_keys=keep_keys
        )

    async def revoke_all(self, *, reason: str = "revoked") -> int:
        """See `TokenManager.revoke_all`."""
        return await self._store.revoke_all(reason=require_text("reason", reason))

    async def sessions(self, subject: str) -> list[Session]:
        """See `TokenManager.sessions`."""
        return await self._store.sessions(require_text("subject", subject))

    async def subject_epoch(self, subject: str) -> int:
        """See `TokenManager.subject_epoch`."""
        return await self._store.subject_epoch(subject) if is_subject(subject) else 0

    async def purge(self) -> int:
        """See `TokenManager.purge`."""
        return await self._store.purge()

    async def close(self) -> None:
        """See `TokenManager.close`."""
        await self._store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
