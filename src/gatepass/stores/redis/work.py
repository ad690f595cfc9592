"""Every operation on Redis: the script that it calls, and how the reply is read; no I/O here.

A reply that no script of ours gives raises `StoreUnavailable`: it came from something else, or
was made of a key that somebody else has written to. The error quotes nothing of the reply.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from gatepass.errors import SettingsRejected, StoreUnavailable
from gatepass.sessions import (
    Bucket,
    IssuePlan,
    OpaqueFact,
    OpaqueKind,
    OpaquePlan,
    OpaqueToken,
    RevokeKind,
    RotationFact,
    RotationKind,
    RotationPlan,
    Session,
    SessionKind,
    judge_opaque,
    partition_of,
)
from gatepass.sessions.texts import require_encodable
from gatepass.stores.redis.attempts import Attempts
from gatepass.stores.redis.issue import issue
from gatepass.stores.redis.layout import (
    DAMAGED,
    Keys,
    index_of,
    number_of,
    partition_of_subject,
    pieces,
    require_partition,
    session_of,
    text_of,
)
from gatepass.stores.redis.limits import call_of
from gatepass.stores.redis.revoke_all import RevokeAll
from gatepass.stores.redis.revoke_subject import revoke_subject
from gatepass.stores.redis.scripts import Scripts
from gatepass.stores.redis.target import Layout, Target
from gatepass.stores.redis.wire import Steps

PREFIX: Final = "gatepass"
TIMEOUT_S: Final = 2.0
_ROTATION: Final = {kind.value.encode(): kind for kind in RotationKind}
_REVOKE: Final = {kind.value.encode(): kind for kind in RevokeKind}


class RedisWork:
    """The operations of one store, as steps for `Connections` or `AsyncConnections` to run."""

    def __init__(
        self, target: Target, clock: Callable[[], float] | None, prefix: str, timeout: float
    ) -> None:
        if not timeout > 0:
            raise SettingsRejected("the timeout must be more than 0 seconds")
        self.target = target
        self.keys = Keys(prefix)
        self.clock = clock
        self.attempts = Attempts(target, timeout)
        self._scripts = Scripts(self.keys, clock)

    def issue(self, plan: IssuePlan) -> Steps[Session | None]:
        """See `Store.issue`."""
        is_cluster = self.target.layout is Layout.CLUSTER
        return issue(self.attempts, self._scripts, plan, is_cluster=is_cluster)

    def rotate(self, plan: RotationPlan) -> Steps[RotationFact]:
        """See `Store.rotate`."""
        if not str.isascii(plan.session_id):
            require_encodable(plan.session_id)
        claims = [] if plan.claims_json is None else pieces("j", plan.claims_json)
        call = self._scripts.call(
            "rotate",
            partition_of(plan.session_id),
            [f"s:{plan.session_id}"],
            plan.session_id,
            plan.generation,
            plan.sec_hash,
            plan.leeway_ms,
            plan.refresh_lifetime_ms,
            plan.access_lifetime_ms,
            secrets.token_bytes(8),
            *([len(claims) // 2, *claims] if claims else ()),
            durable_kinds=(b"reused",),
        )
        match (yield from self.attempts.run(call)):
            case [[b"unknown"]]:
                return RotationFact(kind=RotationKind.UNKNOWN)
            case [[bytes(kind), list(row)]] if kind in _ROTATION:
                return RotationFact(kind=_ROTATION[kind], session=session_of(plan.session_id, row))
        raise StoreUnavailable(DAMAGED)

    def issue_opaque(self, plan: OpaquePlan) -> Steps[OpaqueToken | None]:
        """See `Store.issue_opaque`."""
        require_encodable(plan.opaque_id, plan.token_id, plan.session_id)
        partition = partition_of(plan.session_id)
        require_partition(plan.opaque_id, partition, "the opaque token's hash")
        require_partition(plan.token_id, partition, "the token id")
        call = self._scripts.call(
            "issue_opaque",
            partition,
            [f"o:{plan.opaque_id}", f"s:{plan.session_id}"],
            plan.session_id,
            "0",
            plan.token_id,
            plan.lifetime_ms,
            says_again=True,
        )
        match (yield from self.attempts.run(call)):
            case [[b"issued", issued, ends, list(row)]]:
                return OpaqueToken(
                    token_id=plan.token_id,
                    issued_ms=number_of(issued),
                    ends_ms=number_of(ends),
                    session=session_of(plan.session_id, row),
                )
            case [[b"over"]]:
                return None
            case [[b"in use"]]:
                raise ValueError("the opaque token's hash is in use")
        raise StoreUnavailable(DAMAGED)

    def find_opaque(self, opaque_id: str) -> Steps[OpaqueFact]:
        """See `Store.find_opaque`."""
        require_encodable(opaque_id)
        call = self._scripts.call("find_opaque", partition_of(opaque_id), [f"o:{opaque_id}"])
        match (yield from self.attempts.run(call)):
            case [[now]]:
                return judge_opaque(None, is_revoked=False, now_ms=number_of(now))
            case [[now, _, _, _, ends, _, []]]:  # the session expired, or is lost with a primary
                is_over = number_of(now) >= number_of(ends)
                return OpaqueFact(kind=OpaqueKind.EXPIRED if is_over else OpaqueKind.REVOKED)
            case [[now, token_id, session_id, issued, ends, 0 | 1 as is_logged, list(row)]]:
                token = OpaqueToken(
                    token_id=text_of(token_id),
                    issued_ms=number_of(issued),
                    ends_ms=number_of(ends),
                    session=session_of(text_of(session_id), row),
                )
                return judge_opaque(token, is_revoked=is_logged == 1, now_ms=number_of(now))
        raise StoreUnavailable(DAMAGED)

    def is_revoked(self, session_id: str | None, token_id: str | None) -> Steps[bool]:
        """See `Revocations.is_revoked`."""
        require_encodable(session_id, token_id)
        keys: dict[int, list[str]] = {}  # one call, unless the ids are of two partitions
        if session_id is not None:
            keys[partition_of(session_id)] = [f"s:{session_id}", f"x:s:{session_id}"]
        if token_id is not None:
            keys.setdefault(partition_of(token_id), []).append(f"x:t:{token_id}")
        for partition, names in keys.items():
            call = self._scripts.call("is_revoked", partition, names)
            match (yield from self.attempts.run(call)):
                case [1]:
                    return True
                case [0]:
                    pass
                case _:
                    raise StoreUnavailable(DAMAGED)
        return False

    def find_revoked(
        self, session_ids: Sequence[str], token_ids: Sequence[str]
    ) -> Steps[list[tuple[str, str]]]:
        """Those of these that `is_revoked` would find, each with its kind; one call a partition."""
        ids = [*(("s", each) for each in session_ids), *(("t", each) for each in token_ids)]
        parts: dict[int, list[tuple[str, str]]] = {}
        for kind, identifier in ids:
            parts.setdefault(partition_of(identifier), []).append((kind, identifier))
        calls = []
        for partition, those in parts.items():
            rows = [f"s:{each}" for kind, each in those if kind == "s"]
            marks = [f"x:{kind}:{each}" for kind, each in those]
            calls.append(self._scripts.call("find_revoked", partition, [*rows, *marks], len(rows)))
        found = []
        replies = yield from self.attempts.run(*calls)
        for those, reply in zip(parts.values(), replies, strict=True):
            if not isinstance(reply, list) or len(reply) != len(those):
                raise StoreUnavailable(DAMAGED)
            found += [each for each, flag in zip(those, reply, strict=True) if flag != 0]
        return found

    def revoke_session(
        self, session_id: str, *, reason: str, sec_hash: bytes | None
    ) -> Steps[RevokeKind]:
        """See `Store.revoke_session`."""
        require_encodable(session_id, reason)
        call = self._scripts.call(
            "revoke_session",
            partition_of(session_id),
            [f"s:{session_id}", f"x:s:{session_id}"],
            session_id,
            b"" if sec_hash is None else sec_hash,
            secrets.token_bytes(8),
            *pieces("w", reason),
            is_durable=True,
            durable_kinds=tuple(_REVOKE),
        )
        match (yield from self.attempts.run(call)):
            case [[b"wrong secret"]]:
                return RevokeKind.UNKNOWN
            case [[bytes(kind)]] if kind in _REVOKE:
                return _REVOKE[kind]
        raise StoreUnavailable(DAMAGED)

    def revoke_token(self, token_id: str, *, lifetime_ms: int) -> Steps[None]:
        """See `Store.revoke_token`."""
        require_encodable(token_id)
        call = self._scripts.call(
            "revoke_token",
            partition_of(token_id),
            [f"x:t:{token_id}"],
            token_id,
            lifetime_ms,
            is_durable=True,
        )
        [reply] = yield from self.attempts.run(call)
        number_of(reply)

    def revoke_subject(
        self, subject: str, *, reason: str, keep: str | None, keep_keys: bool
    ) -> Steps[int]:
        """See `Store.revoke_subject`."""
        require_encodable(subject, reason, keep)
        scripts = self._scripts
        return revoke_subject(
            self.attempts, scripts, subject, reason, keep or "", keep_keys=keep_keys
        )

    def revoke_all(self, *, reason: str) -> Steps[int]:
        """See `Store.revoke_all`."""
        require_encodable(reason)
        return RevokeAll(self.attempts, self._scripts, reason).run()

    def sessions(self, subject: str, *, kind: SessionKind) -> Steps[list[Session]]:
        """See `Store.sessions`."""
        require_encodable(subject)
        index = index_of(subject, kind)
        call = self._scripts.call("sessions", partition_of_subject(subject), [index])
        [reply] = yield from self.attempts.run(call)
        found = []
        for each in reply if isinstance(reply, list) else [reply]:
            match each:
                case [session_id, list(row)]:
                    found.append(session_of(text_of(session_id), row))
                case _:
                    raise StoreUnavailable(DAMAGED)
        return found

    def note_use(self, session_id: str) -> Steps[None]:
        """See `Store.note_use`."""
        require_encodable(session_id)
        partition = partition_of(session_id)
        [reply] = yield from self.attempts.run(
            self._scripts.call("note_use", partition, [f"s:{session_id}"])
        )
        number_of(reply)

    def last_epoch(self, subject: str) -> Steps[tuple[int, int]]:
        """See `Store.last_epoch`."""
        require_encodable(subject)
        call = self._scripts.call("last_epoch", partition_of_subject(subject), [f"e:{subject}"])
        match (yield from self.attempts.run(call)):
            case [[epoch, raised_ms]]:
                return number_of(epoch), number_of(raised_ms)
        raise StoreUnavailable(DAMAGED)

    def take(self, buckets: Sequence[Bucket]) -> Steps[int]:
        """See `Store.take`."""
        [reply] = yield from self.attempts.run(call_of(self._scripts, "take", buckets))
        return number_of(reply)

    def give_back(self, buckets: Sequence[Bucket]) -> Steps[None]:
        """See `Store.give_back`."""
        [reply] = yield from self.attempts.run(call_of(self._scripts, "give back", buckets))
        number_of(reply)

    def purge(self) -> Steps[int]:
        """See `Store.purge`."""
        yield from self.last_epoch("")  # does Redis answer?
        return 0
