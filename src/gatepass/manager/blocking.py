"""`TokenManager`: plan → store call → answer. `AsyncTokenManager` differs by `await`."""

from typing import Self

from gatepass._maybe_await import run_in_place
from gatepass.errors import SubjectEpochChanged, TokenInvalid, TokenMalformed, TokenRevoked
from gatepass.events.about import about
from gatepass.events.stores import LOG_OUT
from gatepass.events.teller import Tells
from gatepass.manager.api_keys import IssuesKeys
from gatepass.manager.common import (
    ACTOR_REVOKED,
    NOTABLE,
    Claims,
    CommonManager,
    LoadClaims,
    report,
    whose,
)
from gatepass.sessions import OpaqueFact, Revocations, RevokeKind, Session, Store
from gatepass.sessions.limits import Bucket
from gatepass.tokens import AccessClaims, TokenPair
from gatepass.tokens.claims import dict_of
from gatepass.tokens.opaque_access import UNKNOWN
from gatepass.tokens.pair import is_subject, require_known
from gatepass.tokens.policy import require_text
from gatepass.tokens.refusals import is_refused
from gatepass.tokens.watching import Watching


class TokenManager(CommonManager[Store, Revocations, LoadClaims], Watching, Tells, IssuesKeys):
    """Issues, refreshes, verifies and revokes access and refresh tokens over a store."""

    _is_async = False

    def issue(
        self,
        subject: str,
        claims: Claims | None = None,
        *,
        session_claims: Claims | None = None,
        device: str | None = None,
        epoch: int | None = None,
        give_back: tuple[Bucket, ...] = (),
    ) -> TokenPair:
        """Log a subject in: a new session and its first pair.

        Args:
            subject: The user's id, 1 to 255 characters.
            claims: Your own claims about the user; registered names are rejected. A refresh
                replaces them by those of `load_claims`.
            session_claims: Your own claims about the login, such as `act`, `amr` and `acr`
                (which may be among `claims` too) or an organisation: they stay through every
                refresh. No name is in both, and both have at most 2 KiB of JSON together.
            device: The device's name in a list of sessions.
            epoch: `subject_epoch` as read before the password was checked; a login that
                overlaps with a password change then fails.
            give_back: Buckets that `Store.take` counted in; the same step uncounts them.

        Raises:
            ClaimsRejected: The policy would reject these claims, or they have no JSON form.
            SubjectEpochChanged: The subject was revoked since the epoch was read, or the actor
                (the `sub` of `act`) while the session began.
            StoreUnavailable: The session was not confirmed.
        """
        log_in = self._planner.plan_issue(subject, claims, session_claims, device, epoch, give_back)
        plan, actor = log_in.plan, log_in.plan.actor
        before = None if actor is None else self._store.subject_epoch(actor)
        session = self._store.issue(plan)
        if session and actor is not None and self._store.subject_epoch(actor) != before:
            self._store.revoke_session(plan.session_id, reason=ACTOR_REVOKED)
            raise SubjectEpochChanged
        new = self._opaque.plan(session)
        recorded = None if new is None else self._store.issue_opaque(new.plan)
        return self._planner.conclude_issue(log_in, session, new, recorded)

    def refresh(self, refresh_token: str | None) -> TokenPair:
        """Exchange a refresh token for the next pair (RFC 9700 §4.14.2).

        A token superseded within the policy's `rotation_leeway` is answered with the current
        generation, so that racing and repeating clients all end with the same token.

        Raises:
            TokenMissing, TokenMalformed, TokenInvalid, TokenExpired: No token was given, or the
                token is no refresh token of ours, or too old.
            RefreshReused: The token was superseded earlier; its session is now revoked.
            SessionRevoked, SessionExpired, SessionUnknown: The session is over.
            SubjectDisabled: `load_claims` returned `None`; the token can still be used.
            ClaimsRejected: `load_claims` answered with claims that the policy rejects, or one
                that is a session claim.
            StoreUnavailable: The outcome is unknown; repeat with the same token.
        """
        presented, opened = self._open_refresh(refresh_token)
        loaded = self._load_claims is not None
        claims = None
        if self._load_claims is not None:
            claims = self._load_claims(presented.subject, presented.session_claims)
        plan = self._planner.plan_rotation(presented, claims, loaded=loaded)
        if opened is None:
            fact = self._store.rotate(plan)
        else:
            fact = run_in_place(self._legacy.exchange(opened, plan))
        if fact.kind in NOTABLE:
            report(presented, fact)
        session = self._planner.require_rotated(presented, fact)
        new = self._opaque.plan(session)
        recorded = None if new is None else self._store.issue_opaque(new.plan)
        return self._planner.conclude_rotation(presented, plan, session, new, recorded)

    def verify(self, access_token: str | None) -> AccessClaims:
        """The claims of an access token that may be trusted.

        Raises:
            TokenMissing, TokenMalformed, TokenInvalid, TokenExpired: As `TokenVerifier.verify`.
            TokenRevoked: The token or its session was revoked, or the session is gone.
            StoreUnavailable: The store did not say whether the token was revoked.
        """
        try:
            try:
                claims = self._jwts.open(access_token)
            except TokenInvalid as error:
                claims = run_in_place(self._legacy.verify(access_token, error))
        except TokenMalformed as malformed:
            opaque_ids = self._opaque.require_ids(access_token, malformed)
        else:
            held = dict_of(claims)
            verdict = self._is_revoked(held.get("sid"), held["jti"])
            if verdict is not False and is_refused(verdict):
                self._access.forget(access_token)
                raise TokenRevoked
            return claims
        return self._opaque.conclude(self._find_opaque(opaque_ids))

    def log_out(self, *, access_token: str | None = None, refresh_token: str | None = None) -> None:
        """End the session of these tokens; one that had ended already is fine.

        An access token may be expired, a refresh token of any generation; both together must
        name one session. With legacy tokens, each token ends, and both must name one subject.

        Raises:
            TokenMissing, TokenMalformed, TokenInvalid: The tokens prove no session.
            SessionUnknown: A refresh token alone that is of no session we know.
            StoreUnavailable: The end was not confirmed; repeating is safe.
        """
        try:
            ended = self._prove(access_token, refresh_token)
        except TokenInvalid as error:
            run_in_place(self._legacy.end(access_token, refresh_token, error, self._prove))
            return
        session_id, proof, subject = ended
        with about(subject=subject):
            kind = self._store.revoke_session(session_id, reason=LOG_OUT, sec_hash=proof)
        require_known(kind, proof)

    def session_id_of(
        self, *, access_token: str | None = None, refresh_token: str | None = None
    ) -> str:
        """The session of well-signed tokens, which may have expired or been revoked.

        The store says whose an opaque token is.

        Raises:
            TokenMissing, TokenMalformed, TokenInvalid: The tokens prove no session, or two.
            TokenExpired, TokenRevoked: The store does not know the opaque token any more.
            StoreUnavailable: The store did not say whose the opaque token is.
        """
        try:
            return self._prove(access_token, refresh_token)[0]
        except TokenInvalid as error:
            return self._legacy.session_id_of(access_token, refresh_token, error)

    def _prove(
        self, access_token: str | None, refresh_token: str | None
    ) -> tuple[str, bytes | None, str]:
        opaque_ids = self._opaque.find_ids(access_token)
        fact = self._find_opaque(opaque_ids) if opaque_ids else None
        return self._planner.plan_log_out(access_token, refresh_token, fact)

    def _find_opaque(self, opaque_ids: list[str]) -> OpaqueFact:
        fact = UNKNOWN
        for opaque_id in opaque_ids:
            fact = self._own_store.find_opaque(opaque_id)
            if fact.kind is not UNKNOWN.kind:
                break
        return fact

    def revoke_token(self, token: AccessClaims | str) -> None:
        """Revoke one access token, given its claims or its id (`jti`), never its text.

        A token that lives longer than the policy's `access_lifetime`, as a `TokenIssuer` may
        make them, is revoked by its claims: an id does not say how long to remember it.
        """
        token_id, lifetime_ms = self._planner.plan_token_revocation(token)
        with about(**whose(token)):
            self._store.revoke_token(token_id, lifetime_ms=lifetime_ms)

    def revoke_session(self, session_id: str, *, reason: str = "revoked") -> bool:
        """End a session and every token that came from it; whether it was live."""
        session_id, reason = require_text("session_id", session_id), require_text("reason", reason)
        kind = self._store.revoke_session(session_id, reason=reason)
        return kind is RevokeKind.REVOKED

    def revoke_subject(
        self,
        subject: str,
        *,
        reason: str = "revoked",
        keep: str | None = None,
        keep_keys: bool = False,
    ) -> int:
        """Log a subject out everywhere and let logins under way lose; how many sessions ended.

        Sessions of others that it opened as their actor (`act`) end too. The session with the id
        `keep` stays, as after a password change in it, and with `keep_keys` its API keys.
        """
        subject, reason = require_text("subject", subject), require_text("reason", reason)
        keep = keep and require_text("keep", keep)
        return self._store.revoke_subject(subject, reason=reason, keep=keep, keep_keys=keep_keys)

    def revoke_all(self, *, reason: str = "revoked") -> int:
        """End every session of everybody, as after restoring a backup; how many ended."""
        return self._store.revoke_all(reason=require_text("reason", reason))

    def sessions(self, subject: str) -> list[Session]:
        """The subject's live sessions, newest first."""
        return self._store.sessions(require_text("subject", subject))

    def subject_epoch(self, subject: str) -> int:
        """The `epoch` to pass to `issue`; read it before the password is checked.

        The epoch is a counter of the subject, which "log out everywhere" increments. It is 0 for
        a text that is no subject (a form may be empty), for which `issue` opens no session.
        """
        return self._store.subject_epoch(subject) if is_subject(subject) else 0

    def purge(self) -> int:
        """Remove expired rows that no longer matter from the store; how many."""
        return self._store.purge()

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
