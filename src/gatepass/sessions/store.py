"""The promises of a store and of a `Revocations`: they return facts, and the manager decides.

An operation that the database did not do or did not confirm raises `StoreUnavailable` within
the store's time limit (2 s by default). No other error of a driver leaves a store.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, runtime_checkable

from gatepass.sessions.limits import Bucket
from gatepass.sessions.opaque import OpaqueFact, OpaquePlan, OpaqueToken
from gatepass.sessions.rotation import RotationFact, RotationPlan
from gatepass.sessions.session import Session, SessionKind, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePlan:
    """The session that a store is to insert for a login."""

    session_id: str
    subject: str
    client_id: str
    device: str | None
    auth_time: int
    claims_json: bytes = field(repr=False)
    sec_hash: bytes = field(repr=False)
    refresh_lifetime_ms: int
    session_lifetime_ms: int
    access_lifetime_ms: int
    epoch: int | None
    """The subject's epoch before the password was checked; `None` does not compare."""
    max_sessions: int
    """The most live sessions (or keys) of the subject afterwards; the oldest are revoked."""
    actor: str | None = None
    """The subject that acts as this one; the session ends when either of them is revoked."""
    give_back: tuple[Bucket, ...] = ()
    """Buckets of `Store.give_back`, also if the epoch has changed; no round trip more, except on a
    Redis Cluster.
    """
    opaque_id: str | None = field(default=None, repr=False)
    """For an API key the hash of its text, by which `find_opaque` finds it from then on.

    The store records it in the step that inserts the session, for as long as the session lives.
    """

    @property
    def kind(self) -> SessionKind:
        """Whether this is a login or an API key, which has `KEY_SEC_HASH` and no actor."""
        return kind_of(self.sec_hash)


def plan_session(plan: IssuePlan, now_ms: int) -> Session:
    """The row that a store inserts for a login at this moment of its clock."""
    ends_ms = now_ms + plan.session_lifetime_ms
    return Session(
        session_id=plan.session_id,
        subject=plan.subject,
        client_id=plan.client_id,
        device=plan.device,
        auth_time=plan.auth_time,
        generation=0,
        born_ms=now_ms,
        created_ms=now_ms,
        last_used_ms=now_ms,
        idle_ends_ms=min(now_ms + plan.refresh_lifetime_ms, ends_ms),
        ends_ms=ends_ms,
        revoked_ms=None,
        reason=None,
        claims_json=plan.claims_json,
        sec_hash=plan.sec_hash,
    )


class RevokeKind(enum.Enum):
    """The outcome for a session that was to be revoked."""

    REVOKED = "revoked"
    """The session ended in this step."""
    ALREADY = "already"
    """The session had been revoked before."""
    UNKNOWN = "unknown"
    """The store has no such row, or `sec_hash` was given and is not the row's."""


@runtime_checkable
class Revocations(Protocol):
    """Says whether a token was revoked.

    It raises `StoreUnavailable` when it cannot find out. A verdict of `None` accepts no token.
    """

    is_async: ClassVar[Literal[False]] = False

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session (`sid`) or the token (`jti`) was revoked; `None` is ignored."""
        ...


@runtime_checkable
class AsyncRevocations(Protocol):
    """`Revocations` for `await`."""

    is_async: ClassVar[Literal[True]] = True

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session (`sid`) or the token (`jti`) was revoked; `None` is ignored."""
        ...


class Store(Revocations, Protocol):
    """Sessions, epochs and the revocation log; its `is_revoked` is the direct check.

    A session whose row is missing counts as revoked in `is_revoked`.
    """

    def issue(self, plan: IssuePlan) -> Session | None:
        """Insert a session under its subject's lock, durably; `None`: the epoch has changed."""
        ...

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """Apply `rotation.rotate` atomically; `REUSED` is durable and logged before it returns."""
        ...

    def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """Record an opaque access token by its hash; `None`: the session is over or unknown.

        It need not be durable: after a loss the client refreshes, as after a lost rotation.

        Raises:
            ValueError: The hash is in use.
        """
        ...

    def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """The state of an opaque access token, revocation included."""
        ...

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """End a session and log it, in one durable step.

        A missing row is logged too, unless `sec_hash` is given: then it must be the row's, or
        nothing changes.
        """
        ...

    def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """Log one token's `jti`, durably; repeating changes nothing.

        The log keeps the entry for `lifetime_ms`, the time for which the token could still pass,
        or for the longest access life that the store knows, whichever is longer.
        """
        ...

    def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None = None, keep_keys: bool = False
    ) -> int:
        """Raise the subject's epoch and end its sessions in one durable step; returns their number.

        Sessions that the subject opened as an actor end after that, and count too. Of the others
        the one with the id `keep` stays as it is, and with `keep_keys` all API keys.
        """
        ...

    def revoke_all(self, *, reason: str) -> int:
        """End every live session of all subjects as `revoke_subject` does; returns their number."""
        ...

    def sessions(self, subject: str, *, kind: SessionKind = "session") -> list[Session]:
        """The subject's live sessions of this kind, newest first."""
        ...

    def note_use(self, session_id: str) -> None:
        """Set when an API key was last used; nothing happens to one that is over or unknown.

        It need not be durable.
        """
        ...

    def subject_epoch(self, subject: str) -> int:
        """The subject's epoch, which `revoke_subject` raises; 0 before the first time."""
        ...

    def last_epoch(self, subject: str) -> tuple[int, int]:
        """The subject's epoch, and when `revoke_subject` or `revoke_all` raised it last.

        Both are read at one moment. The time is milliseconds since 1970 on the store's clock; 0
        before the first time.
        """
        ...

    def take(self, buckets: Sequence[Bucket]) -> int:
        """Count one attempt in all buckets, or in none when one is full, atomically.

        Returns 0 when it was counted, else the milliseconds after which it would be, the longest
        wait of a full bucket. No two buckets have the same key. The store's clock decides.

        Counts need not be durable, and a fail-over may lose some. An attempt whose answer was lost
        may count twice, or be given back twice.
        """
        ...

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        """Take an attempt that was counted back from each bucket, never below 0."""
        ...

    def purge(self) -> int:
        """Remove sessions, tokens, log entries and limits past their retention; returns how many.

        A store whose rows expire by themselves removes nothing here and returns 0.
        """
        ...

    def close(self) -> None:
        """Give back connections; closing twice is fine."""
        ...


class AsyncStore(AsyncRevocations, Protocol):
    """`Store` for `await`; the promises are the same."""

    async def issue(self, plan: IssuePlan) -> Session | None:
        """See `Store.issue`."""
        ...

    async def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `Store.rotate`."""
        ...

    async def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """See `Store.issue_opaque`."""
        ...

    async def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """See `Store.find_opaque`."""
        ...

    async def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `Store.revoke_session`."""
        ...

    async def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `Store.revoke_token`."""
        ...

    async def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None = None, keep_keys: bool = False
    ) -> int:
        """See `Store.revoke_subject`."""
        ...

    async def revoke_all(self, *, reason: str) -> int:
        """See `Store.revoke_all`."""
        ...

    async def sessions(self, subject: str, *, kind: SessionKind = "session") -> list[Session]:
        """See `Store.sessions`."""
        ...

    async def note_use(self, session_id: str) -> None:
        """See `Store.note_use`."""
        ...

    async def subject_epoch(self, subject: str) -> int:
        """See `Store.subject_epoch`."""
        ...

    async def last_epoch(self, subject: str) -> tuple[int, int]:
        """See `Store.last_epoch`."""
        ...

    async def take(self, buckets: Sequence[Bucket]) -> int:
        """See `Store.take`."""
        ...

    async def give_back(self, buckets: Sequence[Bucket]) -> None:
        """See `Store.give_back`."""
        ...

    async def purge(self) -> int:
        """See `Store.purge`."""
        ...

    async def close(self) -> None:
        """See `Store.close`."""
        ...
