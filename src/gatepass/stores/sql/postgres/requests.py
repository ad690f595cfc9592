"""What each operation asks of PostgreSQL and how its answer reads: pure, shared by the twins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from gatepass.errors import StoreUnavailable
from gatepass.sessions import (
    IssuePlan,
    OpaqueFact,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    plan_session,
)
from gatepass.stores.sql.postgres.failures import STANDBY
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.postgres.wire import Row, Statement
from gatepass.stores.sql.rows import opaque_fact_of, session_of

T = TypeVar("T")

BATCH: Final = 1_000
"""Sessions that one step of ending many ends, well within the time of a statement."""
PURGE_SIZE: Final = 500
"""Rows of each table that one step of a purge removes, so that nobody waits long for it."""

_MAX_NUMBER: Final = 2**62
_DAMAGED: Final = "the database is damaged"


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One statement with its values, and what its rows mean."""

    statement: Statement
    values: list[bytes | None]
    read: Callable[[list[Row]], T]
    again: list[bytes | None] | None = None
    """The values for asking again after the connection broke; `None`: it might be done twice."""


class Requests:
    """Makes the requests of one store; its clock, when it has one, replaces the server's."""

    def __init__(self, schema: str | None, clock: Callable[[], float] | None) -> None:
        self._sql = statements_of(schema)
        self._clock = clock

    def issue(self, plan: IssuePlan) -> Request[Session | None]:
        """Insert a session; asked again, it finds the one that it inserted before."""

        def read(rows: list[Row]) -> Session | None:
            now_ms = _one(rows)
            return None if now_ms is None else plan_session(plan, now_ms)

        statement, now_ms = self._sql["issue"], self._now_ms()
        values = statement.encode(
            (
                plan.session_id,
                plan.subject,
                plan.client_id,
                plan.device,
                plan.auth_time,
                plan.claims_json,
                plan.sec_hash,
                plan.refresh_lifetime_ms,
                plan.session_lifetime_ms,
                plan.access_lifetime_ms,
                plan.epoch,
                plan.max_sessions,
                False,
                now_ms,
                plan.actor,
            )
        )
        again = [*values[:-3], b"\1", *values[-2:]]
        return Request(statement, values, read, again)

    def rotate_current(self, plan: RotationPlan) -> Request[RotationFact | None]:
        """The fast path: `ROTATED`, or `None` when it is anything else."""
        statement = self._sql["rotate_current"]
        values = statement.encode((*_rotation_values(plan), self._now_ms()))
        # without a leeway, a rotation done twice is reuse
        return Request(statement, values, _read_rotated, values if plan.leeway_ms > 0 else None)

    def rotate(self, plan: RotationPlan) -> Request[RotationFact]:
        """The whole table, one step."""
        statement = self._sql["rotate"]
        values = statement.encode(
            (*_rotation_values(plan), plan.access_lifetime_ms, self._now_ms())
        )
        return Request(statement, values, _read_rotation, values if plan.leeway_ms > 0 else None)

    def issue_opaque(self, plan: OpaquePlan) -> Request[OpaqueToken | None]:
        """Record an opaque token."""

        def read(rows: list[Row]) -> OpaqueToken | None:
            [(issued_ms, ends_ms, *row)] = rows
            if row[0] is None:
                return None
            return OpaqueToken(
                token_id=plan.token_id,
                issued_ms=issued_ms,
                ends_ms=ends_ms,
                session=session_of(row),
            )

        values = (plan.opaque_id, plan.token_id, plan.session_id, plan.lifetime_ms, self._now_ms())
        statement = self._sql["issue_opaque"]
        return Request(statement, statement.encode(values), read)

    def find_opaque(self, opaque_id: str) -> Request[OpaqueFact]:
        """An opaque token, its session and their revocation."""
        return self._repeatable("find_opaque", _read_opaque, opaque_id, self._now_ms())

    def is_revoked(self, session_id: str | None, token_id: str | None) -> Request[bool]:
        """The direct check."""
        return self._repeatable("is_revoked", _of_primary, session_id, token_id)

    def revoke_session(
        self, session_id: str, reason: str, sec_hash: bytes | None
    ) -> Request[RevokeKind]:
        """End a session and log it."""
        values = (session_id, reason, sec_hash, self._now_ms())
        return self._repeatable("revoke_session", _read_revoked, *values)

    def revoke_token(self, token_id: str, lifetime_ms: int) -> Request[None]:
        """Log a token."""
        return self._repeatable("revoke_token", _nothing, token_id, lifetime_ms, self._now_ms())

    def revoke_subject(self, subject: str, reason: str) -> Request[int]:
        """Raise an epoch and end a subject's sessions; twice raises it twice, which is safe."""
        return self._repeatable("revoke_subject", _one, subject, reason, self._now_ms())

    def revoke_actor(self, actor: str, reason: str) -> Request[tuple[int, bool]]:
        """One step of ending what an actor opened; how many ended, and whether to go on."""
        return self._repeatable("revoke_actor", _pair, actor, BATCH, reason, self._now_ms())

    def revoke_all(self, after: str, reason: str) -> Request[tuple[int, str | None]]:
        """One step of ending everybody's; how many ended, and where the next step begins."""
        return self._repeatable("revoke_all", _pair, after, BATCH, reason, self._now_ms())

    def sessions(self, subject: str) -> Request[list[Session]]:
        """A subject's live sessions."""
        return self._repeatable("sessions", _read_sessions, subject, self._now_ms())

    def subject_epoch(self, subject: str) -> Request[int]:
        """A subject's epoch."""
        return self._repeatable("epoch", _of_primary, subject)

    def purge(self) -> Request[int]:
        """One step of a purge."""
        return self._repeatable("purge", _one, PURGE_SIZE, self._now_ms())

    def _now_ms(self) -> int | None:
        return None if self._clock is None else int(self._clock() * 1000)

    def _repeatable(self, name: str, read: Callable[[list[Row]], T], *values: Any) -> Request[T]:
        encoded = self._sql[name].encode(values)
        return Request(self._sql[name], encoded, read, encoded)


def _rotation_values(plan: RotationPlan) -> Sequence[Any]:
    return (
        plan.session_id,
        min(plan.generation, _MAX_NUMBER),
        plan.sec_hash,
        plan.claims_json,
        plan.leeway_ms,
        plan.refresh_lifetime_ms,
    )


def _read_rotated(rows: list[Row]) -> RotationFact | None:
    if not rows:
        return None
    return RotationFact(kind=RotationKind.ROTATED, session=session_of(rows[0]))


def _read_rotation(rows: list[Row]) -> RotationFact:
    [(kind, *row)] = rows
    if row[0] is None:
        return RotationFact(kind=RotationKind.UNKNOWN)
    return RotationFact(kind=RotationKind(kind), session=session_of(row))


def _read_opaque(rows: list[Row]) -> OpaqueFact:
    [(is_standby, now_ms, *row)] = rows
    _require_primary(is_standby)
    return opaque_fact_of(None if row[0] is None else row, now_ms)


def _read_revoked(rows: list[Row]) -> RevokeKind:
    return RevokeKind(_one(rows))


def _read_sessions(rows: list[Row]) -> list[Session]:
    _require_primary(any(row[0] for row in rows))
    return [session_of(row[1:]) for row in rows if row[1] is not None]


def _of_primary(rows: list[Row]) -> Any:
    """The value in the only row, which a standby leaves empty."""
    value = _one(rows)
    _require_primary(value is None)
    return value


def _require_primary(is_standby: object) -> None:
    if is_standby:
        raise StoreUnavailable(STANDBY)


def _pair(rows: list[Row]) -> Any:
    return rows[0]


def _nothing(_rows: list[Row]) -> None:
    return None


def _one(rows: list[Row]) -> Any:
    """The value in the only row."""
    if len(rows) != 1:
        raise StoreUnavailable(_DAMAGED)
    return rows[0][0]
