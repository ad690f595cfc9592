"""`SqlStore` on PostgreSQL: sessions, epochs and revocations, from any number of threads."""

from collections.abc import Callable

from sqlalchemy import Engine

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
from gatepass.stores.sql.postgres.migrate import upgrade
from gatepass.stores.sql.postgres.pool import PostgresPool
from gatepass.stores.sql.postgres.requests import PURGE_SIZE, Requests
from gatepass.stores.sql.postgres.waiting import deadline


class PostgresStore:
    """Sessions in PostgreSQL; see `SqlStore`."""

    def __init__(
        self, engine: Engine, *, clock: Callable[[], float] | None, schema: str | None
    ) -> None:
        self.engine = engine
        self.schema = schema
        self.clock = clock
        self._pool = PostgresPool(engine, schema)
        self._requests = Requests(schema, clock)
        self._known_access_ms = 0

    def upgrade(self) -> None:
        """See `SqlStore.upgrade`."""
        upgrade(self.engine, self.schema)

    def issue(self, plan: IssuePlan) -> Session | None:
        """See `SqlStore.issue`."""
        session = self._pool.run(self._requests.issue(plan), deadline())
        if session is not None:
            self._learn(plan.access_lifetime_ms)
        return session

    def rotate(self, plan: RotationPlan) -> RotationFact:
        """See `SqlStore.rotate`; one statement for `ROTATED`, a second for anything else."""
        until = deadline()
        if plan.access_lifetime_ms <= self._known_access_ms:
            rotated = self._pool.run(self._requests.rotate_current(plan), until)
            if rotated is not None:
                return rotated
        fact = self._pool.run(self._requests.rotate(plan), until)
        if fact.session is not None:
            self._learn(plan.access_lifetime_ms)
        return fact

    def issue_opaque(self, plan: OpaquePlan) -> OpaqueToken | None:
        """See `SqlStore.issue_opaque`."""
        token = self._pool.run(self._requests.issue_opaque(plan), deadline())
        if token is not None:
            self._learn(plan.lifetime_ms)
        return token

    def find_opaque(self, opaque_id: str) -> OpaqueFact:
        """See `SqlStore.find_opaque`."""
        return self._pool.run(self._requests.find_opaque(opaque_id), deadline())

    def is_revoked(self, session_id: str | None, token_id: str | None) -> bool:
        """See `SqlStore.is_revoked`."""
        return self._pool.run(self._requests.is_revoked(session_id, token_id), deadline())

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None = None
    ) -> RevokeKind:
        """See `SqlStore.revoke_session`."""
        request = self._requests.revoke_session(session_id, reason, sec_hash)
        return self._pool.run(request, deadline())

    def revoke_token(self, token_id: str, *, lifetime_ms: int = 0) -> None:
        """See `SqlStore.revoke_token`."""
        self._pool.run(self._requests.revoke_token(token_id, lifetime_ms), deadline())

    def revoke_subject(self, subject: str, *, reason: str) -> int:
        """See `SqlStore.revoke_subject`."""
        until = deadline()
        ended = self._pool.run(self._requests.revoke_subject(subject, reason), until)
        more = True
        while more:
            request = self._requests.revoke_actor(subject, reason)
            some, more = self._pool.run(request, until)
            until = deadline()
            ended += some
        return ended

    def revoke_all(self, *, reason: str) -> int:
        """See `SqlStore.revoke_all`."""
        ended, after = self._pool.run(self._requests.revoke_all("", reason), deadline())
        while after is not None:
            more, after = self._pool.run(self._requests.revoke_all(after, reason), deadline())
            ended += more
        return ended

    def sessions(self, subject: str) -> list[Session]:
        """See `SqlStore.sessions`."""
        return self._pool.run(self._requests.sessions(subject), deadline())

    def subject_epoch(self, subject: str) -> int:
        """See `SqlStore.subject_epoch`."""
        return self._pool.run(self._requests.subject_epoch(subject), deadline())

    def purge(self) -> int:
        """See `SqlStore.purge`."""
        removed = 0
        while True:
            some = self._pool.run(self._requests.purge(), deadline())
            removed += some
            if some < PURGE_SIZE:
                return removed

    def close(self) -> None:
        """See `SqlStore.close`."""
        self._pool.close()

    def _learn(self, access_lifetime_ms: int) -> None:
        """Remember what is durable by now, so that rotations need not look."""
        self._known_access_ms = max(self._known_access_ms, access_lifetime_ms)
