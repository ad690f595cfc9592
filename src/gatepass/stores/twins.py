"""Both forms of every store: `BlockingStore`, and `AwaitedStore`, which differs by `await`.

1. An operation is written once per database, in its `Work`: a generator that yields requests,
   is sent the answers, and returns the fact. It has no I/O and no clock of its own.
2. A runner takes the steps of one operation, carries out what they yield and owns the
   connections. It raises `StoreUnavailable` when an answer does not come; the steps end there.
3. A listener is told after the database did something and before the caller hears of it.

So the two forms cannot differ in what they ask, and a database cannot differ between them.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from gatepass.sessions import (
    Bucket,
    IssuePlan,
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    SessionKind,
)
from gatepass.stores.listeners import Listeners
from gatepass.stores.steps import AsyncRunner, Runner, Work

_REUSED = RotationKind.REUSED
_NOBODY = "gatepass readiness"
"""The subject of `try_write`."""


class BlockingStore:
    """Every operation of `gatepass.sessions.Store`, on any database.

    Each raises `StoreUnavailable` within the store's time limit when the database did not do,
    or did not confirm, the operation.
    """

    is_async: ClassVar[Literal[False]] = False

    def __init__(self, work: Work, runner: Runner) -> None:
        self.listeners = Listeners()
        self._work = work
        self._runner = runner
        self._run = self.run = runner.run
        """Replicas run further steps of the store's `work` by it."""

    def issue(self, plan: IssuePlan) -> Session | None:
        """Insert a session under its subject's lock, durably; `None`: the epoch has changed.

        Raises:
            StoreUnavailable: The session was not inserted, or that was not confirmed.
            ValueError: The session id is in use.
        """
        return self._run(self._work.issue(plan))

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """Apply `gatepass.sessions.rotate` atomically; `REUSED` is durable before it returns."""
        fact = self._run(self._work.rotate(plan))
        if fact.kind is _REUSED:
            self.listeners.reused(plan.session_id)
        return fact

    def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """Record an opaque access token by its hash; `None`: the session is over or unknown.

        Raises:
            StoreUnavailable: The token was not recorded, or that was not confirmed.
            ValueError: The hash is in use.
        """
        return self._run(self._work.issue_opaque(plan))

    def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """The state of an opaque access token, revocation included."""
        return self._run(self._work.find_opaque(opaque_id))

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """Whether the session was revoked or is missing, or the token was revoked."""
        return self._run(self._work.is_revoked(session_id, token_id))

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """End a session and log it, in one durable step; `sec_hash`, if given, must match."""
        kind = self._run(self._work.revoke_session(session_id, reason=reason, sec_hash=sec_hash))
        self.listeners.session(session_id, kind, sec_hash)
        return kind

    def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """Log one token's `jti` for its life, durably; repeating changes nothing."""
        self._run(self._work.revoke_token(token_id, lifetime_ms=lifetime_ms))
        self.listeners.token(token_id)

    def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None = None, keep_keys: bool = False
    ) -> int:
        """Raise the subject's epoch and end its sessions in one durable step; how many ended.

        Those that it opened as an actor end too. The session with the id `keep` does not, nor do
        API keys with `keep_keys`.
        """
        steps = self._work.revoke_subject(subject, reason=reason, keep=keep, keep_keys=keep_keys)
        ended = self._run(steps)
        self.listeners.many()
        return ended

    def revoke_all(self, *, reason: str) -> int:
        """End every session of every subject as `revoke_subject` does; how many ended.

        It returns when all of it is durable; after an error some have ended, and repeating ends
        the rest. Each step has the store's time limit, the whole has none.
        """
        ended = self._run(self._work.revoke_all(reason=reason))
        self.listeners.many()
        return ended

    def sessions(self, subject: str, *, kind: SessionKind = "session") -> list[Session]:
        """The subject's live sessions of this kind, newest first."""
        return self._run(self._work.sessions(subject, kind=kind))

    def note_use(self, session_id: str) -> None:
        """Set when an API key was last used; it is not durable."""
        self._run(self._work.note_use(session_id))

    def subject_epoch(self, subject: str) -> int:
        """The subject's epoch, 0 when it was never revoked."""
        return self.last_epoch(subject)[0]

    def last_epoch(self, subject: str) -> tuple[int, int]:
        """The subject's epoch, and when it was incremented last (ms); zeros if it never was."""
        return self._run(self._work.last_epoch(subject))

    def take(self, buckets: Sequence[Bucket]) -> int:
        """Count an attempt in all buckets, or in none; 0, or the milliseconds that it waits.

        It is not durable: a fail-over may lose counts. If an answer was lost, it may count twice.
        """
        return self._run(self._work.take(buckets))

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        """Take an attempt that was counted back from each bucket, never below 0."""
        self._run(self._work.give_back(buckets))

    def purge(self) -> int:
        """Remove rows past their absolute end + retention, log entries past retention; how many.

        A few hundred at a time, so that others wait for none of them long.
        """
        return self._run(self._work.purge())

    def try_write(self) -> None:
        """Write as durably as a revocation does, for readiness: it raises where nobody could.

        It raises the epoch of a subject of its own, and no listener has anything to hear.
        """
        self._run(self._work.revoke_subject(_NOBODY, reason=_NOBODY, keep=None, keep_keys=False))

    def close(self) -> None:
        """Close every connection and reject everything from now on; closing twice is fine."""
        self.listeners.closed()
        self._runner.close()


class AwaitedStore:
    """`BlockingStore` for `await`; its promises are the same."""

    is_async: ClassVar[Literal[True]] = True

    def __init__(self, work: Work, runner: AsyncRunner) -> None:
        self.listeners = Listeners()
        self._work = work
        self._runner = runner
        self._run = self.run = runner.run
        """Replicas run further steps of the store's `work` by it."""

    async def issue(self, plan: IssuePlan) -> Session | None:
        """See `BlockingStore.issue`."""
        return await self._run(self._work.issue(plan))

    async def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `BlockingStore.rotate`."""
        fact = await self._run(self._work.rotate(plan))
        if fact.kind is _REUSED:
            self.listeners.reused(plan.session_id)
        return fact

    async def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """See `BlockingStore.issue_opaque`."""
        return await self._run(self._work.issue_opaque(plan))

    async def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """See `BlockingStore.find_opaque`."""
        return await self._run(self._work.find_opaque(opaque_id))

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `BlockingStore.is_revoked`."""
        return await self._run(self._work.is_revoked(session_id, token_id))

    async def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `BlockingStore.revoke_session`."""
        steps = self._work.revoke_session(session_id, reason=reason, sec_hash=sec_hash)
        kind = await self._run(steps)
        self.listeners.session(session_id, kind, sec_hash)
        return kind

    async def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `BlockingStore.revoke_token`."""
        await self._run(self._work.revoke_token(token_id, lifetime_ms=lifetime_ms))
        self.listeners.token(token_id)

    async def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None = None, keep_keys: bool = False
    ) -> int:
        """See `BlockingStore.revoke_subject`."""
        steps = self._work.revoke_subject(subject, reason=reason, keep=keep, keep_keys=keep_keys)
        ended = await self._run(steps)
        self.listeners.many()
        return ended

    async def revoke_all(self, *, reason: str) -> int:
        """See `BlockingStore.revoke_all`."""
        ended = await self._run(self._work.revoke_all(reason=reason))
        self.listeners.many()
        return ended

    async def sessions(self, subject: str, *, kind: SessionKind = "session") -> list[Session]:
        """See `BlockingStore.sessions`."""
        return await self._run(self._work.sessions(subject, kind=kind))

    async def note_use(self, session_id: str) -> None:
        """See `BlockingStore.note_use`."""
        await self._run(self._work.note_use(session_id))

    async def subject_epoch(self, subject: str) -> int:
        """See `BlockingStore.subject_epoch`."""
        return (await self.last_epoch(subject))[0]

    async def last_epoch(self, subject: str) -> tuple[int, int]:
        """See `BlockingStore.last_epoch`."""
        return await self._run(self._work.last_epoch(subject))

    async def take(self, buckets: Sequence[Bucket]) -> int:
        """See `BlockingStore.take`."""
        return await self._run(self._work.take(buckets))

    async def give_back(self, buckets: Sequence[Bucket]) -> None:
        """See `BlockingStore.give_back`."""
        await self._run(self._work.give_back(buckets))

    async def purge(self) -> int:
        """See `BlockingStore.purge`."""
        return await self._run(self._work.purge())

    async def try_write(self) -> None:
        """See `BlockingStore.try_write`."""
        await self._run(
            self._work.revoke_subject(_NOBODY, reason=_NOBODY, keep=None, keep_keys=False)
        )

    async def close(self) -> None:
        """See `BlockingStore.close`."""
        self.listeners.closed()
        await self._runner.close()
