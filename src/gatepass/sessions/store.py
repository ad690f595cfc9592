"""What a store and a `Revocations` promise; facts out, policy stays with the manager.

Every operation raises `StoreUnavailable`, within the store's time limit (2 s by default),
when the database did not do or did not confirm it, and nothing else of the driver's.
"""

import enum
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, runtime_checkable

from gatepass.sessions.opaque import OpaqueFact, OpaquePlan, OpaqueToken
from gatepass.sessions.rotation import RotationFact, RotationPlan
from gatepass.sessions.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePlan:
    """What a store is asked to do for a log-in."""

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
    """Live sessions of the subject afterwards at most; the oldest are revoked."""
    actor: str | None = None
    """The subject who acts as this one; the session ends when either of them is revoked."""


def plan_session(plan: IssuePlan, now_ms: int) -> Session:
    """The row a store inserts for a log-in at this moment of its clock."""
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
    """What became of a session that was to be revoked."""

    REVOKED = "revoked"
    """It ended in this step."""
    ALREADY = "already"
    """It had been revoked before."""
    UNKNOWN = "unknown"
    """There is no such row, or `sec_hash` was given and is not the row's."""


@runtime_checkable
class Revocations(Protocol):
    """Answers whether a token may no longer be honoured.

    It raises `StoreUnavailable` when it cannot find out. A verdict of `None` lets nobody in.
    """

    is_async: ClassVar[Literal[False]] = False

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session (`sid`) or the token (`jti`) was revoked; `None` is not asked."""
        ...


@runtime_checkable
class AsyncRevocations(Protocol):
    """`Revocations` for `await`."""

    is_async: ClassVar[Literal[True]] = True

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session (`sid`) or the token (`jti`) was revoked; `None` is not asked."""
        ...


class Store(Revocations, Protocol):
    """Sessions, epochs and the revocation log; its `is_revoked` is the direct check.

    A store's `is_revoked` calls a session revoked also when its row is missing.
    """

    def issue(self, plan: IssuePlan) -> Session | None:
        """Insert a session under its subject's lock, durably; `None`: the epoch has changed."""
        ...

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """Apply `rotation.rotate` atomically; `REUSED` is durable and logged before it returns."""
        ...

    def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """Record an opaque access token by its hash; `None`: the session is over or unknown.

        Losing one heals like a lost rotation (the client refreshes): it need not be durable.

        Raises:
            ValueError: The hash is in use.
        """
        ...

    def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """What is known of an opaque access token, revocation included."""
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

        The log is kept for `lifetime_ms`, how long the token could still pass, or for the
        longest access life the store knows of, whichever is longer.
        """
        ...

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        """Raise the subject's epoch and end its sessions in one durable step; how many ended.

        Those that it opened as an actor end after that, and are counted too.
        """
        ...

    def revoke_all(self, *, reason: str) -> int:
        """End every live session of every subject as `revoke_subject` does; how many ended."""
        ...

    def sessions(self, subject: str) -> list[Session]:
        """The subject's live sessions, newest first."""
        ...

    def subject_epoch(self, subject: str) -> int:
        """The subject's epoch, 0 when it was never revoked."""
        ...

    def purge(self) -> int:
        """Remove what is past its end + retention: sessions, opaque tokens, log entries; how many.

        A store whose rows expire by themselves removes nothing here and answers 0.
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

    async def revoke_subject(self, subject: str, *, reason: str) -> int:
        """See `Store.revoke_subject`."""
        ...

    async def revoke_all(self, *, reason: str) -> int:
        """See `Store.revoke_all`."""
        ...

    async def sessions(self, subject: str) -> list[Session]:
        """See `Store.sessions`."""
        ...

    async def subject_epoch(self, subject: str) -> int:
        """See `Store.subject_epoch`."""
        ...

    async def purge(self) -> int:
        """See `Store.purge`."""
        ...

    async def close(self) -> None:
        """See `Store.close`."""
        ...
