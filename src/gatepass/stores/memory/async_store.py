"""`AsyncMemoryStore`: the twin of `MemoryStore`."""

import time
from collections.abc import Callable
from typing import ClassVar, Literal

from gatepass.sessions import (
    IssuePlan,
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationPlan,
    Session,
)
from gatepass.stores.memory.store import MemoryStore


class AsyncMemoryStore:
    """`MemoryStore` for `await`; nothing in it waits."""

    is_async: ClassVar[Literal[True]] = True

    def __init__(
        self, clock: Callable[[], float] = time.time, *, max_rows: int = 1_000_000
    ) -> None:
        self._store = MemoryStore(clock, max_rows=max_rows)

    async def issue(self, plan: IssuePlan) -> Session | None:
        """See `MemoryStore.issue`."""
        return self._store.issue(plan)

    async def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `MemoryStore.rotate`."""
        return self._store.rotate(plan)

    async def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """See `MemoryStore.issue_opaque`."""
        return self._store.issue_opaque(plan)

    async def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """See `MemoryStore.find_opaque`."""
        return self._store.find_opaque(opaque_id)

    async def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `MemoryStore.is_revoked`."""
        return self._store.is_revoked(session_id, token_id)

    async def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `MemoryStore.revoke_session`."""
        return self._store.revoke_session(session_id, reason=reason, sec_hash=sec_hash)

    async def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `MemoryStore.revoke_token`."""
        self._store.revoke_token(token_id, lifetime_ms=lifetime_ms)

    async def revoke_subject(self, subject: str, *, reason: str) -> int:
        """See `MemoryStore.revoke_subject`."""
        return self._store.revoke_subject(subject, reason=reason)

    async def revoke_all(self, *, reason: str) -> int:
        """See `MemoryStore.revoke_all`."""
        return self._store.revoke_all(reason=reason)

    async def sessions(self, subject: str) -> list[Session]:
        """See `MemoryStore.sessions`."""
        return self._store.sessions(subject)

    async def subject_epoch(self, subject: str) -> int:
        """See `MemoryStore.subject_epoch`."""
        return self._store.subject_epoch(subject)

    async def purge(self) -> int:
        """See `MemoryStore.purge`."""
        return self._store.purge()

    async def close(self) -> None:
        """See `MemoryStore.close`."""
        self._store.close()
