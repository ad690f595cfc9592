"""Every operation on PostgreSQL, as steps for either runner: its requests, and its answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gatepass.errors import StoreUnavailable
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
    plan_session,
)
from gatepass.sessions.texts import require_encodable
from gatepass.stores.sql.postgres.failures import STANDBY
from gatepass.stores.sql.postgres.statements import statements_of
from gatepass.stores.sql.postgres.wire import Row, Statement
from gatepass.stores.sql.rows import opaque_fact_of, session_of
from gatepass.stores.steps import Steps

BATCH: Final = 1_000
"""Sessions that one step of ending many ends, well within the time of a statement."""
PURGE_SIZE: Final = 500
"""Rows of each table that one step of a purge removes, so that nobody waits long for it."""

_MAX_NUMBER: Final = 2**62
_DAMAGED: Final = "the database is damaged"


@dataclass(frozen=True, slots=True)
class Request:
    """One statement with its values; its answer is its rows."""

    statement: Statement
    values: list[bytes | None] = field(repr=False)
    again: list[bytes | None] | None = field(default=None, repr=False)
    """The values for asking again after the connection broke; `None`: unsafe to repeat."""
    is_fresh: bool = False
    """Whether it has a time limit of its own, as one of many steps."""


class PostgresWork:
    """The operations of one store; its clock, when it has one, replaces the server's."""

    def __init__(self, schema: str | None, clock: Callable[[], float] | None) -> None:
        self._sql = statements_of(schema)
        self._clock = clock
        self._known_access_ms = 0
        """An access lifetime that is durable by now, so that rotations need not look."""

    def issue(self, plan: IssuePlan) -> Steps[Session | None]:
        """Insert a session; repeated, it finds the session that it inserted before."""
        require_encodable(plan.session_id, plan.subject, plan.client_id, plan.device, plan.actor)
        now_ms = self._now_ms()
        name, more = "issue", list[str]()
        if plan.opaque_id is not None:
            name, more = "issue_key", [plan.opaque_id]
        elif plan.give_back:
            name, more = "issue_giving_back", [_listed(plan.give_back)]
        statement = self._sql[name]
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
                *more,
            )
        )
        again = [*values[:12], b"\1", *values[13:]]
        rows = yield Request(statement, values, again)
        created_ms = _one(rows) if rows else None
        if created_ms is None:
            return None
        self._learn(plan.access_lifetime_ms)
        return plan_session(plan, created_ms)

    def rotate(self, plan: RotationPlan) -> Steps[RotationFact]:
        """Rotate by one statement; anything but `ROTATED` takes a second, the whole table."""
        if not str.isascii(plan.session_id):  # the call costs a rotation half a microsecond
            require_encodable(plan.session_id)
        values = (
            plan.session_id,
            min(plan.generation, _MAX_NUMBER),
            plan.sec_hash,
            plan.claims_json,
            plan.leeway_ms,
            plan.refresh_lifetime_ms,
        )
        is_repeatable = plan.leeway_ms > 0  # without a leeway, a rotation done twice is reuse
        if plan.access_lifetime_ms <= self._known_access_ms:
            fast = self._ask("rotate_current", *values, self._now_ms(), repeat=is_repeatable)
            for row in (yield fast):
                return RotationFact(kind=RotationKind.ROTATED, session=session_of(row))
        lived = plan.access_lifetime_ms
        whole = self._ask("rotate", *values, lived, self._now_ms(), repeat=is_repeatable)
        [(kind, *row)] = yield whole
        if row[0] is None:
            return RotationFact(kind=RotationKind.UNKNOWN)
        self._learn(plan.access_lifetime_ms)
        return RotationFact(kind=RotationKind(kind), session=session_of(row))

    def issue_opaque(self, plan: OpaquePlan) -> Steps[OpaqueToken | None]:
        """Record an opaque token."""
        require_encodable(plan.opaque_id, plan.token_id, plan.session_id)
        values = (plan.opaque_id, plan.token_id, plan.session_id, plan.lifetime_ms, self._now_ms())
        [(issued_ms, ends_ms, *row)] = yield self._ask("issue_opaque", *values, repeat=False)
        if row[0] is None:
            return None
        self._learn(plan.lifetime_ms)
        session = session_of(row)
        return OpaqueToken(
            token_id=plan.token_id, issued_ms=issued_ms, ends_ms=ends_ms, session=session
        )

    def find_opaque(self, opaque_id: str) -> Steps[OpaqueFact]:
        """Read an opaque token, its session and their revocation."""
        require_encodable(opaque_id)
        [(is_standby, now_ms, *row)] = yield self._ask("find_opaque", opaque_id, self._now_ms())
        _require_primary(is_standby)
        return opaque_fact_of(None if row[0] is None else row, now_ms)

    def is_revoked(self, session_id: str | None, token_id: str | None) -> Steps[bool]:
        """Ask the log and the session's row."""
        require_encodable(session_id, token_id)
        return bool(_of_primary((yield self._ask("is_revoked", session_id, token_id))))

    def find_revoked(
        self, session_ids: Sequence[str], token_ids: Sequence[str]
    ) -> Steps[list[tuple[str, str]]]:
        """Those of these that `is_revoked` would find, each with its kind."""
        ids = (json.dumps(session_ids), json.dumps(token_ids))
        found = json.loads(_of_primary((yield self._ask("find_revoked", *ids))))
        return [(kind, identifier) for kind, identifier in found]

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None
    ) -> Steps[RevokeKind]:
        """End a session and log it."""
        require_encodable(session_id, reason)
        values = (session_id, reason, sec_hash, self._now_ms())
        return RevokeKind(_one((yield self._ask("revoke_session", *values))))

    def revoke_token(self, token_id: str, *, lifetime_ms: int) -> Steps[None]:
        """Log a token."""
        require_encodable(token_id)
        yield self._ask("revoke_token", token_id, lifetime_ms, self._now_ms())

    def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None, keep_keys: bool
    ) -> Steps[int]:
        """Raise an epoch and end a subject's sessions, then some at a time those it opened.

        Done twice it raises the epoch twice, which is safe.
        """
        require_encodable(subject, reason, keep)
        values = (subject, keep, reason, self._now_ms(), keep_keys)
        ended: int = _one((yield self._ask("revoke_subject", *values)))
        more, is_fresh = True, False
        while more:
            opened = (subject, BATCH, reason, self._now_ms())
            [(some, more)] = yield self._ask("revoke_actor", *opened, is_fresh=is_fresh)
            ended, is_fresh = ended + some, True
        return ended

    def revoke_all(self, *, reason: str) -> Steps[int]:
        """Raise everybody's epoch, which stops logins under way, then end some at a time."""
        require_encodable(reason)
        ended, after = 0, ""
        while after is not None:
            values = (after, BATCH, reason, self._now_ms())
            [(some, after)] = yield self._ask("revoke_all", *values, is_fresh=True)
            ended += some
        return ended

    def sessions(self, subject: str, *, kind: SessionKind) -> Steps[list[Session]]:
        """Read a subject's live sessions of this kind."""
        require_encodable(subject)
        rows = yield self._ask("sessions", subject, self._now_ms(), kind == "key")
        _require_primary(any(row[0] for row in rows))
        return [session_of(row[1:]) for row in rows if row[1] is not None]

    def note_use(self, session_id: str) -> Steps[None]:
        """Set when a key was last used."""
        require_encodable(session_id)
        yield self._ask("note_use", session_id, self._now_ms())

    def last_epoch(self, subject: str) -> Steps[tuple[int, int]]:
        """Read a subject's epoch with its time, both of one snapshot."""
        require_encodable(subject)
        rows = yield self._ask("last_epoch", subject, self._now_ms())
        return int(_of_primary(rows)), int(rows[0][1])

    def take(self, buckets: Sequence[Bucket]) -> Steps[int]:
        """Count an attempt; it counts again when the connection broke meanwhile."""
        wait_ms: int = _one((yield self._ask("take", _listed(buckets), self._now_ms())))
        return wait_ms

    def give_back(self, buckets: Sequence[Bucket]) -> Steps[None]:
        """Take an attempt back."""
        yield self._ask("give_back", _listed(buckets), self._now_ms())

    def purge(self) -> Steps[int]:
        """Remove rows past their retention, some at a time."""
        removed, some = 0, PURGE_SIZE
        while some >= PURGE_SIZE:
            some = _one((yield self._ask("purge", PURGE_SIZE, self._now_ms(), is_fresh=True)))
            removed += some
        return removed

    def _now_ms(self) -> int | None:
        return None if self._clock is None else int(self._clock() * 1000)

    def _ask(self, name: str, *values: Any, repeat: bool = True, is_fresh: bool = False) -> Request:
        statement = self._sql[name]
        encoded = statement.encode(values)
        return Request(statement, encoded, encoded if repeat else None, is_fresh)

    def _learn(self, access_lifetime_ms: int) -> None:
        self._known_access_ms = max(self._known_access_ms, access_lifetime_ms)


def _listed(buckets: Sequence[Bucket]) -> str:
    """Buckets as the functions take them: key, limit, window and cost of each."""
    return json.dumps([(one.key.hex(), one.limit, one.window_ms, one.cost) for one in buckets])


def _of_primary(rows: Sequence[Row]) -> Any:
    """The value in the only row, which a standby leaves empty."""
    value = _one(rows)
    _require_primary(value is None)
    return value


def _require_primary(is_standby: object) -> None:
    if is_standby:
        raise StoreUnavailable(STANDBY)


def _one(rows: Sequence[Row]) -> Any:
    """The value in the only row."""
    if len(rows) != 1:
        raise StoreUnavailable(_DAMAGED)
    return rows[0][0]
