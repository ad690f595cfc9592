"""API keys of both managers, which differ by `await`; a module of its own keeps these short."""

from collections.abc import Awaitable, Collection
from contextlib import suppress
from datetime import datetime
from typing import Any

from gatepass.errors import StoreUnavailable, TokenRevoked
from gatepass.sessions import AsyncStore, RevokeKind, Store
from gatepass.sessions.session import KEY_SEC_HASH
from gatepass.tokens.api_keys import (
    ApiKey,
    ApiKeys,
    IssuedKey,
    describe,
    require_key_id,
    require_owner,
)
from gatepass.tokens.claims import AccessClaims, KeyClaims
from gatepass.tokens.policy import Seconds, require_text


class _IssuesKeys:
    """The parts of a manager that keys need."""

    _api_keys: ApiKeys
    _load_claims: Any
    _own_store: Any
    """Its checks and notes of use make no event."""
    _store: Any


class IssuesKeys(_IssuesKeys):
    """API keys for blocking code."""

    _own_store: Store
    _store: Store

    def issue_key(
        self,
        owner: AccessClaims | str,
        *,
        name: str,
        scopes: Collection[str],
        expires: Seconds | datetime,
    ) -> IssuedKey:
        """Issue an API key: a credential for a program, good until it expires or is revoked.

        A subject has at most 1,000 live keys; a further one ends the oldest.

        Args:
            owner: The subject, or the claims of the caller. With claims, `scopes` must be in the
                claim `scope` of the caller's token; without that claim the caller can give none.
                With a subject, your code decides which scopes it grants. Claims with `act` and
                those of a key issue no key.
            name: The use of the key, 1 to 255 characters; its owner sees it in lists.
            scopes: The scopes of the key; `()` for none.
            expires: A duration as in `90d` or a `timedelta`, or a `datetime` with an offset; at
                most ten years.

        Raises:
            ClaimsRejected: The caller may issue no such key, or a value is out of bounds.
            SettingsRejected: `expires` is out of bounds.
            TokenRevoked: The session of the caller is over.
            SubjectEpochChanged: The subject was revoked meanwhile.
            StoreUnavailable: The key was not confirmed; issue another one.
        """
        subject, epoch = require_owner(owner), None
        if isinstance(owner, AccessClaims):
            epoch = self._store.subject_epoch(subject)
            if self._own_store.is_revoked(owner.session_id, owner.token_id):
                raise TokenRevoked
        loaded = self._load_claims is not None
        new = self._api_keys.plan(owner, name, scopes, expires, epoch=epoch, loaded=loaded)
        return self._api_keys.conclude_issue(new, self._store.issue(new.plan))

    def verify_key(self, key: str | None) -> KeyClaims:
        """The claims of an API key that may be trusted; `verify` accepts no keys.

        One round trip, and once a minute a second one that notes the use. `load_claims` is called
        each time, with the subject and no session claims.

        Raises:
            TokenMissing: No key was sent.
            TokenMalformed: The text is no API key, or was mistyped.
            TokenExpired: The key has expired, or the store does not know it.
            TokenRevoked: The key was revoked.
            SubjectDisabled: `load_claims` returned `None`.
            StoreUnavailable: The store did not answer.
        """
        opaque_id = self._api_keys.find_id(key)
        token = self._api_keys.require_live(self._own_store.find_opaque(opaque_id))
        loaded, claims = self._load_claims is not None, None
        if loaded:
            claims = self._load_claims(token.session.subject, {})
        verified = self._api_keys.conclude(token, claims, loaded=loaded)
        if self._api_keys.is_to_note(token):
            with suppress(StoreUnavailable):
                self._own_store.note_use(token.session.session_id)
        return verified

    def keys(self, subject: str) -> list[ApiKey]:
        """The subject's live API keys, newest first."""
        found = self._store.sessions(require_text("subject", subject), kind="key")
        return [describe(session) for session in found]

    def revoke_key(self, key_id: str, *, reason: str = "revoked") -> bool:
        """End an API key; whether it was live. The id of a login's session is unknown here."""
        key_id, reason = require_key_id(key_id), require_text("reason", reason)
        kind = self._store.revoke_session(key_id, reason=reason, sec_hash=KEY_SEC_HASH)
        return kind is RevokeKind.REVOKED


class AsyncIssuesKeys(_IssuesKeys):
    """API keys for `await`."""

    _own_store: AsyncStore
    _store: AsyncStore

    async def issue_key(
        self,
        owner: AccessClaims | str,
        *,
        name: str,
        scopes: Collection[str],
        expires: Seconds | datetime,
    ) -> IssuedKey:
        """See `TokenManager.issue_key`."""
        subject, epoch = require_owner(owner), None
        if isinstance(owner, AccessClaims):
            epoch = await self._store.subject_epoch(subject)
            if await self._own_store.is_revoked(owner.session_id, owner.token_id):
                raise TokenRevoked
        loaded = self._load_claims is not None
        new = self._api_keys.plan(owner, name, scopes, expires, epoch=epoch, loaded=loaded)
        return self._api_keys.conclude_issue(new, await self._store.issue(new.plan))

    async def verify_key(self, key: str | None) -> KeyClaims:
        """See `TokenManager.verify_key`."""
        opaque_id = self._api_keys.find_id(key)
        token = self._api_keys.require_live(await self._own_store.find_opaque(opaque_id))
        loaded, claims = self._load_claims is not None, None
        if loaded:
            claims = self._load_claims(token.session.subject, {})
        if isinstance(claims, Awaitable):
            claims = await claims
        verified = self._api_keys.conclude(token, claims, loaded=loaded)
        if self._api_keys.is_to_note(token):
            with suppress(StoreUnavailable):
                await self._own_store.note_use(token.session.session_id)
        return verified

    async def keys(self, subject: str) -> list[ApiKey]:
        """See `TokenManager.keys`."""
        found = await self._store.sessions(require_text("subject", subject), kind="key")
        return [describe(session) for session in found]

    async def revoke_key(self, key_id: str, *, reason: str = "revoked") -> bool:
        """See `TokenManager.revoke_key`."""
        key_id, reason = require_key_id(key_id), require_text("reason", reason)
        kind = await self._store.revoke_session(key_id, reason=reason, sec_hash=KEY_SEC_HASH)
        return kind is RevokeKind.REVOKED
